// The token: from the page where the server put it there, else asked for. It is kept for this tab
// only, and never becomes part of an address.

const KEY = "token";

/// Whether the server takes the token.
async function admitted(token) {
  const answer = await fetch("/stats", { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
  return answer.status !== 401;
}

/// Resolves to a token that the server takes, asking for one where there is none.
export async function token_for_this_tab() {
  const given = document.querySelector('meta[name="token"]')?.content || sessionStorage.getItem(KEY);
  if (given && (await admitted(given).catch(() => true))) return given;
  sessionStorage.removeItem(KEY);
  const gate = document.getElementById("gate");
  const [input, wrong] = ["token", "wrong"].map((id) => document.getElementById(id));
  gate.hidden = false;
  input.focus();
  return new Promise((resolve) => {
    gate.addEventListener("submit", async (event) => {
      event.preventDefault();
      const token = input.value.trim();
      // A header can hold no other characters.
      const possible = /^[!-~]+$/.test(token);
      wrong.hidden = possible && (await admitted(token).catch(() => false));
      if (!wrong.hidden) return input.select();
      sessionStorage.setItem(KEY, token);
      input.value = "";
      gate.hidden = true;
      resolve(token);
    });
  });
}
