/** Gives the reader a file to keep. */
export function saveFile(name: string, type: string, content: string) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the file when the click was handled.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
