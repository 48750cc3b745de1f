"""Pictures of what a page has in words and numbers too: SVG made here, pure, from plain values to markup.

One module for each picture. Colours are tokens of the style sheet, as attributes; no style, no script. A picture is
drawn in the size in which it is seen, wide and narrow, since text that is scaled down cannot be read.
"""
