import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";

/** How long a value must stay as it is, in milliseconds: nobody wants a request for each letter. */
const PAUSE = 300;

/** A value once it has not changed for a moment. */
export function useSettled(value: string): string {
  const settled = useSignal(value);
  useEffect(() => {
    const timer = setTimeout(() => { settled.value = value; }, PAUSE);
    return () => clearTimeout(timer);
  }, [value]);
  return settled.value;
}
