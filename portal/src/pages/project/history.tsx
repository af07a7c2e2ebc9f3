// What a project has cost in each month, against its budget: drawn to scale, with a table beside it.
import type { Schemas } from "../../api/client";
import { api, ask } from "../../api/client";
import { Loaded, Note } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count, money, monthYear } from "../../text/format";

type Month = Schemas["MonthCost"];
type History = Schemas["CostHistory"];
const MONTHS = 12;
/** The plot in pixels: the axis of the months, and the room above the highest value. */
const HEIGHT = 200;
const FLOOR = 172;
const TOP = 24;

export function CostHistory({ project: { name, budget } }: { project: Schemas["Project"] }) {
  const history = useOnce(`history:${name}`, (signal) => ask(api.GET("/v1/projects/{name}/costs/history", { params: { path: { name }, query: { months: MONTHS } }, signal })));
  return (
    <Loaded live={history}>{(found) => (
      <>
        <div class="l-grid is-8-4">
          <Plot history={found} limit={budget?.limit_usd} />
          <Table caption={text.history.title} columns={columns} rows={[...found.months].reverse()} id={(month) => month.month} now={(month) => month.current} class="is-flush is-keep" />
        </div>
        {found.templates_not_counted > 0 && <Note><p>{text.history.left(found.templates_not_counted)}</p></Note>}
        {!found.complete && <Note><p>{text.history.incomplete}</p></Note>}
        <details class="more"><summary>{text.history.counted}</summary><p>{found.counted}</p></details>
      </>
    )}</Loaded>
  );
}

const columns: Column<Month>[] = [
  { label: text.history.month, cell: (one) => <>{named(one.month)}{one.current && <span class="sub">{text.history.soFar}</span>}</> },
  { label: text.history.versions, num: true, cell: (one) => count(one.versions) },
  { label: text.history.instances, num: true, cell: (one) => money(one.instances_usd ?? 0) },
  { label: text.history.cost, num: true, cell: (one) => money(one.usd) },
];

/** Months are those of UTC: a date in the middle of the month is in it everywhere. */
const named = (month: string) => monthYear(`${month}-15T12:00:00Z`);

function Plot({ history, limit }: { history: History; limit?: number }) {
  const { months } = history;
  const most = Math.max(limit ?? 0, ...months.map((one) => one.usd), 0.01);
  const y = (usd: number) => FLOOR - (usd / most) * (FLOOR - TOP);
  const width = 100 / Math.max(months.length, 6);
  const last = months.at(-1);
  return (
    <figure>
      <svg class="plot" height={HEIGHT} role="img" aria-label={text.history.picture(months.map((one) => `${named(one.month)}: ${money(one.usd)}`), limit === undefined ? "" : money(limit))}>
        <line class="plot-axis" x1="0" x2="100%" y1={FLOOR} y2={FLOOR} />
        {months.map((one, at) => (
          <g key={one.month}>
            <rect class={one.current ? "plot-bar is-now" : "plot-bar"} x={`${(at * width + width * 0.15).toFixed(2)}%`} width={`${(width * 0.7).toFixed(2)}%`} y={y(one.usd)} height={Math.max(0, FLOOR - y(one.usd))} />
            {(at === 0 || one === last) && <text class="plot-mid" x={`${((at + 0.5) * width).toFixed(2)}%`} y={FLOOR + 18}>{one.month}</text>}
          </g>
        ))}
        {limit !== undefined && <><line class="plot-limit" x1="0" x2="100%" y1={y(limit)} y2={y(limit)} /><text class="is-strong" x="0" y={y(limit) - 6}>{text.history.limit(money(limit))}</text></>}
      </svg>
    </figure>
  );
}
