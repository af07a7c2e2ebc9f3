// The user's public SSH keys.
import { all, api, type Schemas } from "../../api/client";
import { type Live } from "../../api/live";
import { useOnce } from "../once";

export type Key = Schemas["KeyView"];

/** `of` names what is read again when it changes. */
export const useKeys = (of = ""): Live<Key[]> =>
  useOnce(`keys:${of}`, (signal) => all<Key>((cursor) => api.GET("/v1/keys", { params: { query: { cursor, limit: 100 } }, signal })));
