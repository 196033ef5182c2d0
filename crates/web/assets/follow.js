// The page asks for what is newer by itself: its link "Newer events" does the same without this module.

const EVERY = 3000;
const MOST = 500;
const link = document.getElementById("newer");
const button = document.querySelector("button[data-follow]");
const news = document.getElementById("news");
const rows = document.querySelector("table.list tbody");

// An answer is read as a document, which no script of it can use.
function read(address) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.timeout = 10 * EVERY;
    request.addEventListener("loadend", () => resolve(request.status === 200 ? request.response : null));
    request.send();
  });
}

async function look() {
  const page = await read(link.href);
  const next = page?.getElementById("newer");
  // A server that is away, or a session that has ended: the link leads to what is the matter.
  if (!next) return;
  const found = [...page.querySelectorAll("table.list tbody tr")];
  rows.prepend(...found.map((row) => document.importNode(row, true)));
  while (rows.children.length > MOST) rows.lastElementChild.remove();
  link.href = next.getAttribute("href");
  if (found.length === 0) return;
  document.getElementById("quiet").hidden = true;
  news.textContent = `${found.length} ${news.dataset.news}`;
}

if (link && rows) {
  let stopped = false;
  button.hidden = false;
  button.addEventListener("click", () => {
    stopped = !stopped;
    button.setAttribute("aria-pressed", String(stopped));
    button.textContent = stopped ? button.dataset.go : button.dataset.stop;
  });
  const turn = async () => {
    if (!stopped && document.visibilityState === "visible") await look();
    setTimeout(turn, EVERY);
  };
  setTimeout(turn, EVERY);
}
