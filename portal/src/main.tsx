import { render } from "preact";
import { App } from "./app";
import { readAhead } from "./parts/later";
import { signIn } from "./sign-in";

const place = document.getElementById("app");
if (!place) throw new Error("The page has no place for the portal.");
// First, so that whoever comes with a token sees the page at once.
const signedIn = signIn();
render(<App />, place);
void signedIn.then(readAhead);
