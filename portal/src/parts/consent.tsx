// The consent to show files that may be confidential. No other "yes" gives it.
import type { Problem } from "../api/client";
import { text } from "../text";
import { Check } from "./field";
import { Note } from "./note";
import { ShownFiles } from "./plan";

/** Whether a request was refused because it would show files, so that a consent lets it pass. */
export const wantsConsent = (problem: Problem | undefined): problem is Problem =>
  problem !== undefined && (problem.code === "SensitiveFiles" || problem.code === "FilesUnknown");

export function Consent({ problem, given, onGiven }: { problem: Problem; given: boolean; onGiven: (given: boolean) => void }) {
  return (
    <Note tone="warn">
      <p><b>{problem.files.length > 0 ? text.consent.files(problem.files.length) : problem.message}</b></p>
      <ShownFiles files={problem.files} />
      <Check checked={given} onChecked={onGiven}>{text.consent.check}</Check>
    </Note>
  );
}
