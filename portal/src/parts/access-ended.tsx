// Asks for a new sign-in over whatever the user was doing, and goes away when there is one.
import { ended, signInAgain, signOut } from "../sign-in";
import { text } from "../text";
import { Button } from "./button";
import { Dialog } from "./dialog";

const words = text.accessEnded;

export function AccessEnded() {
  if (ended.value !== "asked") return null;
  const again = signInAgain();
  const foot = (
    <>
      <p>{words.waits}</p>
      <Button large onPress={() => signOut()}>{text.nav.signOut}</Button>
      {again && <Button large kind="primary" onPress={again}>{text.signIn.again}</Button>}
    </>
  );
  // Whoever closes it can read and copy what is there; the next thing that needs access asks again.
  return (
    <Dialog title={words.title} foot={foot} onClose={() => { ended.value = "put off"; }}>
      <p>{again ? words.byProvider : words.byUrl}</p>
    </Dialog>
  );
}
