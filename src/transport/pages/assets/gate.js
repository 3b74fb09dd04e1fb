// The token: from the fragment of the address (`#token=…`, as the server prints it), from this tab,
// or from the user. It is stored for this tab only. A browser never sends a fragment, and it is
// removed from the address bar, so that a copied address holds no token.

const STORAGE_KEY = "token";

/// Whether an HTTP header accepts these characters.
const isSendable = (token) => /^[!-~]+$/.test(token);

/// Moves the token of the address to this tab. Returns whether the address had one.
function takeTokenFromAddress() {
  const token = /^#token=(.*)$/.exec(location.hash)?.[1];
  if (token === undefined) return false;
  history.replaceState(null, "", location.pathname + location.search);
  if (isSendable(token)) sessionStorage.setItem(STORAGE_KEY, token);
  return true;
}

// An address with another token, entered where this page is open, only changes the fragment.
addEventListener("hashchange", () => takeTokenFromAddress() && location.reload());

/// Resolves to a token that `isAccepted(token)` resolves to true for. Asks the user if neither
/// address nor tab has one.
export async function requestToken(isAccepted) {
  takeTokenFromAddress();
  const existing = sessionStorage.getItem(STORAGE_KEY);
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
      wrong.hidden = isSendable(token) && (await isAccepted(token).catch(() => false));
      if (!wrong.hidden) return input.select();
      sessionStorage.setItem(STORAGE_KEY, token);
      input.value = "";
      gate.hidden = true;
      resolve(token);
    });
  });
}
