// The events that are filtered, as a file.
import { api, askAll, Problem } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { ProblemNote } from "../../parts/note";
import { saveFile } from "../../parts/save-file";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import type { Filter } from "./history";

type Format = "csv" | "jsonl";
const TYPES: Record<Format, string> = { csv: "text/csv", jsonl: "application/jsonl" };
/** The most parts of a file: it is put together in the memory of the page. */
const PARTS = 100;

export function Export({ filter }: { filter: Filter }) {
  const acting = useAct();
  const take = (format: Format) => void acting.run(async () => {
    const parts = await read(filter, format);
    saveFile(`audit.${format}`, TYPES[format], parts.join(""));
    toast(text.audit.exported(parts.length));
  });
  return (
    <>
      <Button busy={acting.busy} onPress={() => take("csv")}>{text.audit.csv}</Button>
      <Button busy={acting.busy} onPress={() => take("jsonl")}>{text.audit.jsonl}</Button>
      {acting.problem && <Dialog title={text.audit.title} onClose={acting.clear} foot={<Button large onPress={acting.clear}>{text.close}</Button>}><ProblemNote problem={acting.problem} /></Dialog>}
    </>
  );
}

async function read(filter: Filter, format: Format): Promise<string[]> {
  const parts: string[] = [];
  let cursor: string | undefined;
  while (parts.length < PARTS) {
    const asked = api.GET("/v1/audit/export", { params: { query: { ...filter, format, cursor } }, parseAs: "text" });
    const { data, response } = await askAll(asked as Promise<{ data?: string; error?: unknown; response: Response }>);
    parts.push(data);
    cursor = response.headers.get("next-cursor") ?? undefined;
    if (!cursor) return parts;
  }
  throw new Problem("LimitReached", text.audit.tooMany, "", "", 0);
}
