// The token: from the fragment of the address (`#token=…`, as the server prints it), from this tab,
// or from the user. It is stored for this tab only. A browser never sends a fragment, and it is
// removed from the address bar, so that a copied address holds no token.

const STORAGE_KEY = "token";

/// Whether an HTTP header accepts these characters.
const isSendable = (token) => /^[!-~]+$/.test(token);

/// Stores a token for this tab.
export function storeToken(token, key = STORAGE_KEY) {
  sessionStorage.setItem(key, token);
}

/// Moves the token of the address to this tab. Returns whether the address had one.
function takeTokenFromAddress() {
  const token = /^#token=(.*)$/.exec(location.hash)?.[1];
  if (token === undefined) return false;
  history.replaceState(null, "", location.pathname + location.search);
  if (isSendable(token)) storeToken(token);
  return true;
}

/// Resolves to a token that `judge(token)` resolves to true for. Otherwise it resolves to false, or to the reason for the
/// user. Asks the user if neither address nor tab has one. `key` is the place in the tab's storage.
export async function requestToken(judge, { key = STORAGE_KEY, fromAddress = true } = {}) {
  if (fromAddress) {
    takeTokenFromAddress();
    // An address with another token, entered where this page is open, only changes the fragment.
    addEventListener("hashchange", () => takeTokenFromAddress() && location.reload());
  }
  const existing = sessionStorage.getItem(key);
  if (existing && (await judge(existing).catch(() => true)) === true) return existing;
  sessionStorage.removeItem(key);
  const gate = document.getElementById("gate");
  const [input, wrong] = ["token", "wrong"].map((id) => document.getElementById(id));
  gate.hidden = false;
  input.focus();
  return new Promise((resolve) => {
    gate.addEventListener("submit", async (event) => {
      event.preventDefault();
      const token = input.value.trim();
      const verdict = isSendable(token) && (await judge(token).catch(() => false));
      wrong.hidden = verdict === true;
      wrong.textContent = typeof verdict === "string" ? verdict : "Wrong token.";
      if (verdict !== true) return input.select();
      storeToken(token, key);
      input.value = "";
      gate.hidden = true;
      resolve(token);
    });
  });
}
