/** Copy text to the clipboard. Browsers offer `navigator.clipboard` over HTTPS only; salons also use plain HTTP. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed: try the older way
    }
  }
  const field = document.createElement("textarea");
  field.value = text;
  // Inside an open dialog, because it keeps the focus; otherwise in the page.
  (document.querySelector("[role=dialog]") ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  return isCopied;
}
