// Passkeys, a press too many, what is new, and leaving at once by the keyboard. Everything else works without this file.

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector(".failed");
    const button = form.querySelector("button");
    failed.hidden = true;
    button.disabled = true;
    try {
      const options = JSON.parse(form.dataset.options);
      const credential =
        form.dataset.passkey === "create"
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch {
      failed.hidden = false;
      button.disabled = false;
      failed.focus();
    }
  });
}

// A press too many sends nothing twice. A form whose answer is a file stays, and can be sent again a moment later.
for (const form of document.querySelectorAll("form[method=post]:not([data-passkey])")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "now";
    setTimeout(() => delete form.dataset.sent, 3000);
  });
}

// The code of an invitation stands behind the # of its address, so that no server and no log sees it there.
const code = document.querySelector("form[data-code] input[name=code]");
if (code && location.hash.length > 1) {
  code.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

// What is new since the page was loaded: a line that waits for a click, and moves nothing; and the numbers beside the
// sections, where others wait there now. Of all open pages one listens and tells the others, since a browser has few
// connections to one place. A page with something typed stays, and the list opens beside it.
const news = document.querySelector(".news");
if (news && window.BroadcastChannel && navigator.locks) {
  const link = Object.assign(document.createElement("a"), { className: "chip soon", href: location.href });
  news.append(link);
  const others = new BroadcastChannel("news");
  const show = (text) => {
    link.textContent = text;
    news.hidden = false;
  };
  const make = (members) => Object.assign(document.createElement("span"), members);
  const count = (counts) => {
    for (const section of document.querySelectorAll(":is(.rail, .bottom) li a")) {
      for (const old of section.querySelectorAll(".unseen, .count")) old.remove();
      const [shown, said, className] = counts[section.getAttribute("href")] ?? [];
      if (!shown) continue;
      const number = make({ className, textContent: shown, ariaHidden: "true" });
      section.append(make({ className: "unseen", textContent: said }), number);
    }
  };
  const tell = ({ text, counts }) => (counts ? count(counts) : show(text));
  others.onmessage = (event) => tell(event.data);
  link.addEventListener("click", () => {
    const fields = [...document.querySelectorAll("main :is(input, textarea)")];
    if (fields.some((field) => field.value !== field.defaultValue)) link.target = "_blank";
  });
  navigator.locks.request("news", () =>
    new Promise((resolve) => {
      const stream = new EventSource("/news");
      const pass = (told) => {
        others.postMessage(told);
        tell(told);
      };
      stream.onmessage = (event) => pass({ text: event.data });
      stream.addEventListener("counts", (event) => pass({ counts: JSON.parse(event.data) }));
      stream.onerror = () => stream.readyState === EventSource.CLOSED && resolve();
    }),
  ).catch(() => {}); // this page was left just as its turn came: the next one listens
}

document.getElementById("errors")?.focus();

let escapes = [];
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const now = Date.now();
  escapes = [...escapes.filter((at) => now - at < 3000), now];
  if (escapes.length >= 3) location.replace("/leave");
});
