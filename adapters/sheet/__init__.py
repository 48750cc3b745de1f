"""A line list in a workbook or a CSV file, read by its visible labels; results come in a second workbook."""

from adapters.sheet.adapter import Column, SheetAdapter
from adapters.sheet.table import Limits

__all__ = ["Column", "Limits", "SheetAdapter"]
