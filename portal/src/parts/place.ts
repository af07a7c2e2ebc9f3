// The address of a page as its state: what is filtered and sorted can be sent to others and survives a step back.
import { useLocation } from "preact-iso/router";

export function usePlace() {
  const { path, query, route } = useLocation();
  /** Changes parts of the query; an empty value leaves a part out. */
  const set = (changes: Record<string, string>) => {
    // Not `query`: a timer may call this when the address has changed since.
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const text = next.toString();
    route(text ? `${path}?${text}` : path, true);
  };
  return { path, query, set, go: route };
}

/** A path from parts that may have any character. */
export const at = (...parts: string[]) => `/${parts.map(encodeURIComponent).join("/")}`;
