// Applies the stored theme before the first paint; blocking and tiny on purpose.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem('theme');
  } catch {
    return; // storage is off: the system decides
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
