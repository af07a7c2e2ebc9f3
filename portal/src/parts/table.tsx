// A table whose rows stack when its card is narrow. Roles are explicit, because `display: block` takes them away.
import { Component, type ComponentChildren } from "preact";

export interface Column<Row> {
  /** The heading; also the label of the cell when rows are stacked. */
  label: string;
  cell: (row: Row) => ComponentChildren;
  /** Right-aligned, in figures of equal width. */
  num?: boolean;
  /** A whole line of its own when rows are stacked. */
  row?: boolean;
  /** Buttons: the heading is for screen readers only. */
  acts?: boolean;
  /** A bar to scale. */
  scale?: boolean;
}

interface Props<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  id: (row: Row) => string;
  now?: (row: Row) => boolean;
  class?: string;
  /** The cells of the last line, one for each column; an absent one is blank. */
  sums?: ComponentChildren[];
}

export function Table<Row>({ caption, columns, rows, id, now, class: more = "", sums }: Props<Row>) {
  return (
    <table role="table" class={`table ${more}`}>
      <caption class="hide">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">{columns.map((column) => (
          <th role="columnheader" scope="col" class={kind(column)} key={column.label}>
            {column.acts ? <span class="hide">{column.label}</span> : column.label}
          </th>
        ))}</tr>
      </thead>
      <tbody role="rowgroup">{rows.map((row) => <Line key={id(row)} row={row} columns={columns} now={now?.(row) ?? false} />)}</tbody>
      {sums && (
        <tfoot role="rowgroup"><tr role="row">{columns.map((column, at) => at === 0
          ? <th role="rowheader" scope="row" key={at}>{sums[0]}</th>
          : <td role="cell" key={at} class={sums[at] === undefined ? "is-blank" : kind(column)} data-label={sums[at] === undefined ? undefined : column.label}><div>{sums[at]}</div></td>)}
        </tr></tfoot>
      )}
    </table>
  );
}

interface LineProps {
  row: unknown;
  columns: Column<any>[];
  now: boolean;
}

/** A row, rendered again only when it or its columns are others: a list that grows leaves its first rows alone. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps) {
    return next.row !== this.props.row || next.columns !== this.props.columns || next.now !== this.props.now;
  }

  override render({ row, columns, now }: LineProps) {
    return (
      <tr role="row" class={now ? "is-now" : undefined}>
        {columns.map((column, at) => {
          const content = column.cell(row);
          // By the label: a column that is added leaves the others, and a focus in them, alone.
          if (at === 0) return <th role="rowheader" scope="row" key={column.label}>{content}</th>;
          // An empty cell of a stacked row would be a label with nothing under it.
          const blank = content === "" || content === false || content == null;
          return <td role="cell" key={column.label} class={[kind(column), blank && "is-blank"].filter(Boolean).join(" ") || undefined} data-label={column.acts ? undefined : column.label}><div>{content}</div></td>;
        })}
      </tr>
    );
  }
}

function kind(column: Column<never>): string | undefined {
  const kinds = [column.num && "num", column.row && "is-row", column.acts && "table-acts", column.scale && "is-scale"];
  return kinds.filter(Boolean).join(" ") || undefined;
}
