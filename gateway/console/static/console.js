// Passkeys, a press too many, and leaving at once by the keyboard. Everything else works without this file.

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

document.getElementById("errors")?.focus();

let escapes = [];
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const now = Date.now();
  escapes = [...escapes.filter((at) => now - at < 3000), now];
  if (escapes.length >= 3) location.replace("/leave");
});
