// Say so when the connection is gone: what is sent now would be lost.
export function offline(): void {
  const bar = document.getElementById("offline");
  if (!bar) return;
  const show = () => {
    bar.hidden = navigator.onLine;
  };
  window.addEventListener("online", show);
  window.addEventListener("offline", show);
  show();
}
