// Words for the scripts come from the page (`{% ui_strings %}`), so that all strings live in the .po files.
let words: Record<string, string> | undefined;

/** The string `key` with `{name}` placeholders filled in; the key itself if the page brought no strings. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  words ??= JSON.parse(document.getElementById("ui-strings")?.textContent ?? "{}") as Record<string, string>;
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
