// A button that does something. While it is busy it keeps its place and its width, and pressing it does nothing.
import type { ComponentChildren } from "preact";

interface Props {
  children: ComponentChildren;
  onPress?: () => void;
  kind?: "primary" | "quiet" | "danger";
  large?: boolean;
  busy?: boolean;
  disabled?: boolean;
  /** The name for those who do not see the row: "Connect to array-detection". */
  label?: string;
  /** Submits this form. */
  form?: string;
}

export function Button({ children, onPress, kind, large, busy, disabled, label, form }: Props) {
  const kinds = ["button", kind && `is-${kind}`, large && "is-large", busy && "is-busy"].filter(Boolean).join(" ");
  return (
    <button class={kinds} type={form ? "submit" : "button"} form={form} disabled={disabled} aria-disabled={busy || undefined} aria-label={label} onClick={busy ? (event) => event.preventDefault() : onPress}>
      {children}
    </button>
  );
}
