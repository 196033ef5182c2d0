// Comforts only: every page works without this module.

// A password can be looked at before it is sent.
for (const button of document.querySelectorAll("button[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  const { show, hide } = button.dataset;
  const set = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? hide : show;
    button.setAttribute("aria-pressed", String(visible));
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    set(input.type === "password");
    input.focus();
  });
  // Password managers and the browser's own history must meet a password field.
  input.form.addEventListener("submit", () => set(false));
}

// A photograph is made as small as it may be. What is no picture stays as it is: the server says what is wrong.
for (const input of document.querySelectorAll("input[data-most]")) {
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file || file.size <= Number(input.dataset.most)) return;
    try {
      const image = await createImageBitmap(file);
      const scale = Math.min(1, 512 / Math.max(image.width, image.height));
      const canvas = new OffscreenCanvas(Math.round(image.width * scale), Math.round(image.height * scale));
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
      const files = new DataTransfer();
      files.items.add(new File([blob], "picture.jpg", { type: blob.type }));
      input.files = files.files;
    } catch { /* Not a picture. */ }
  });
}

// A double click submits once; a download leaves its page as it is. The page may come back from the history, with its button live again.
for (const form of document.querySelectorAll("form:not([data-again])")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button:not([type=button])")) {
      button.setAttribute("aria-disabled", "true");
    }
  });
}
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
});

// What lies over the page closes as people expect.
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.switch[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// Copy buttons appear only where the clipboard can be reached.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }
}
