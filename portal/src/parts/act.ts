// Something that is done once, when a button is pressed: at most once at a time, and its failure is kept.
import { useSignal } from "@preact/signals";
import type { Problem } from "../api/client";
import { asProblem } from "../api/live";
import { ended } from "../sign-in";

export interface Act {
  busy: boolean;
  problem?: Problem;
  /** Does it, and says whether that worked. */
  run: (what: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
  /**
   * Closes its dialog. Absent while the request is being sent: a late answer would close the dialog that is open by then. If
   * the request waits for a sign-in that was put off, asks for that again.
   */
  leave?: () => void;
}

export function useAct(close?: () => void): Act {
  const busy = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);
  const run = async (what: () => Promise<unknown>) => {
    if (busy.value) return false;
    busy.value = true;
    problem.value = undefined;
    try {
      await what();
      return true;
    } catch (error) {
      problem.value = asProblem(error);
      return false;
    } finally {
      busy.value = false;
    }
  };
  const clear = () => {
    problem.value = undefined;
  };
  const askAgain = () => {
    ended.value = "asked";
  };
  const waits = close && ended.value === "put off" ? askAgain : undefined;
  return { busy: busy.value, problem: problem.value, run, clear, leave: busy.value ? waits : close };
}
