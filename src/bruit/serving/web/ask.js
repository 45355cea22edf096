// Questions to the server, with its token where it has one.

const at = (id) => document.getElementById(id);
const lang = document.documentElement.lang;

export async function ask(path, body) {
  const headers = { "Accept-Language": lang };
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "image/png";
  let answer;
  try {
    answer = await fetch(path, { method: body ? "POST" : "GET", headers, body });
  } catch {
    throw new Error(); // in whose words is up to whoever asked
  }
  if (answer.status === 401) {
    await askForToken();
    return ask(path, body);
  }
  const said = path === "/report" ? await answer.blob() : await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

let asking = null; // several answers may miss the token at once
function askForToken() {
  asking ??= new Promise((entered) => {
    at("token").addEventListener("close", () => {
      sessionStorage.setItem("token", at("token-text").value);
      asking = null;
      entered();
    }, { once: true });
    at("token").showModal();
  });
  return asking;
}

// One request at a time; what changes meanwhile is asked when it is answered.
export function latest(work, pause, failed) {
  let running = false;
  let again = false;
  let timer = null;
  async function run() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await work();
    } catch (error) {
      failed(error);
    }
    running = false;
    if (again) {
      again = false;
      later();
    }
  }
  function later() {
    clearTimeout(timer);
    timer = setTimeout(run, pause);
  }
  return later;
}

// A link carries no token: where there is one the report is fetched with it and saved.
export async function withToken(event) {
  if (!sessionStorage.getItem("token")) return;
  event.preventDefault();
  const link = document.createElement("a");
  link.download = "report.html";
  link.href = URL.createObjectURL(await ask("/report"));
  link.click();
  URL.revokeObjectURL(link.href);
}
