// People whose names begin with what was typed. The API names only those whom the caller works with.
import { api, ask } from "../api/client";
import { useOnce } from "./once";
import { useSettled } from "./settled";

/** The API looks up names by this many letters at least. */
const LEAST = 2;

export function useUsers(typed: string): string[] {
  const prefix = useSettled(typed.trim());
  const found = useOnce(`users:${prefix}`, async (signal) => {
    if (prefix.length < LEAST) return [];
    return (await ask(api.GET("/v1/users", { params: { query: { prefix } }, signal }))).users;
  });
  return found.data ?? [];
}
