// The language of the portal. Another language is another file with the same keys.
export { en as text } from "./en";
