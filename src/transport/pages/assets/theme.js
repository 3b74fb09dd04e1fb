// The button that cycles through the themes: the system's, light and dark.

const THEMES = ["auto", "light", "dark"];

/// Applies the stored theme, and stores the next one at each click of `button`.
export function initThemeToggle(button) {
  let index = THEMES.indexOf(localStorage.getItem("theme"));
  const apply = () => {
    index = Math.max(index, 0);
    const theme = THEMES[index];
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    index = (index + 1) % THEMES.length;
    localStorage.setItem("theme", THEMES[index]);
    apply();
  });
  apply();
}
