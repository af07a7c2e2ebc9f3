// The keys that a launch installs, by what their owner calls them.
import { text } from "../../text";
import { Name } from "../name";
import { useKeys } from "./data";

export function InstalledKeys({ keys, onAdd }: { keys: string[]; onAdd: () => void }) {
  const own = useKeys(keys.join());
  const commentOf = (fingerprint: string) => own.data?.find((key) => key.fingerprint === fingerprint)?.comment;
  return (
    <>
      {keys.length === 0 && <span>{text.keys.noneInstalled}</span>}
      {keys.map((fingerprint) => {
        const comment = commentOf(fingerprint);
        return <div key={fingerprint}>{comment && <Name mono={false}>{comment}</Name>}<span class={comment ? "sub" : undefined}><Name>{fingerprint}</Name></span></div>;
      })}
      <button class="button is-quiet" type="button" onClick={onAdd}>{text.keys.add}</button>
    </>
  );
}
