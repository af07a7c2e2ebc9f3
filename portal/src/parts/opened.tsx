// A form of what already is: it is read when the form opens, so that the form has it as it is, and a change passes only
// while it stays so.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { text } from "../text";
import { Button } from "./button";
import { Loading } from "./card";
import { Dialog } from "./dialog";
import { ProblemNote } from "./note";
import { useOnce } from "./once";

interface Props<T> {
  title: ComponentChildren;
  read: () => Promise<T>;
  onClose: () => void;
  children: (now: T) => ComponentChildren;
}

export function Opened<T>({ title, read, onClose, children }: Props<T>) {
  const now = useOnce("opened", read);
  const first = useRef<T | undefined>(undefined);
  // A later read would let a change pass that was decided by the first one.
  first.current ??= now.data;
  if (first.current !== undefined) return <>{children(first.current)}</>;
  return (
    <Dialog title={title} foot={<Button large onPress={onClose}>{text.cancel}</Button>} onClose={onClose}>
      {now.problem ? <ProblemNote problem={now.problem} again={now.again} /> : <Loading />}
    </Dialog>
  );
}
