// Names come from people, in any script and of any length: always text, isolated from the direction around it.
export function Name({ children, mono = true }: { children: string; mono?: boolean }) {
  return <bdi class={mono ? "mono" : undefined}>{children}</bdi>;
}
