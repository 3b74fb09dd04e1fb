// The token: from the page if the server put it there, otherwise from the user. It is stored for
// this tab only, and never becomes part of a URL.

const STORAGE_KEY = "token";

/// Whether the server accepts the token.
async function isAccepted(token) {
  const response = await fetch("/stats", { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
  return response.status !== 401;
}

/// Resolves to a token that the server accepts. Asks the user if neither page nor tab has one.
export async function requestToken() {
  const existing = document.querySelector('meta[name="token"]')?.content || sessionStorage.getItem(STORAGE_KEY);
  if (existing && (await isAccepted(existing).catch(() => true))) return existing;
  sessionStorage.removeItem(STORAGE_KEY);
  const gate = document.getElementById("gate");
  const [input, wrong] = ["token", "wrong"].map((id) => document.getElementById(id));
  gate.hidden = false;
  input.focus();
  return new Promise((resolve) => {
    gate.addEventListener("submit", async (event) => {
      event.preventDefault();
      const token = input.value.trim();
      // An HTTP header accepts no other characters.
      const isValid = /^[!-~]+$/.test(token);
      wrong.hidden = isValid && (await isAccepted(token).catch(() => false));
      if (!wrong.hidden) return input.select();
      sessionStorage.setItem(STORAGE_KEY, token);
      input.value = "";
      gate.hidden = true;
      resolve(token);
    });
  });
}
