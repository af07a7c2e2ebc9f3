// The side of a form that may show files to more people: the plan, or what keeps it, and the consent that lets it pass.
import type { ComponentChildren } from "preact";
import type { Problem } from "../api/client";
import { text } from "../text";
import { Consent, wantsConsent } from "./consent";
import { Check } from "./field";
import { ProblemNote } from "./note";
import { PlanOf, type Planning } from "./plan";

interface Props<T> {
  planning: Planning<T>;
  /** What the form still lacks. */
  missing?: string;
  /** Why the change itself did not work. */
  failed?: Problem;
  consent: boolean;
  onConsent: (given: boolean) => void;
  children: (plan: T) => ComponentChildren;
}

export function PlanSide<T>({ planning, missing, failed, consent, onConsent, children }: Props<T>) {
  const problem = planning.problem ?? failed;
  return (
    <>
      {!planning.problem && <PlanOf planning={planning} missing={missing}>{children}</PlanOf>}
      {wantsConsent(problem) && <Consent problem={problem} given={false} onGiven={onConsent} />}
      {consent && <Check checked onChecked={onConsent}>{text.consent.check}</Check>}
      {problem && !wantsConsent(problem) && <ProblemNote problem={problem} />}
    </>
  );
}
