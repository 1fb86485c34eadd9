import { Sankey } from "@ant-design/plots";
import { formatNumber } from "../format/numbers";
import { baseOptions, type ChartTheme } from "./chart-theme";
import type { StageFlow } from "./stage-flow";

// The layout adds circular references to its input. The component compares its props deeply, which would then never end,
// so the layout gets a copy.
const CLONE_DATA = [{ type: "custom", callback: (flow: StageFlow): StageFlow => structuredClone(flow) }];

// A label that does not fit into the chart is moved, and one that would overlap a larger node's label is hidden. The
// layout has no other place for the value of a label's node than its z-index.
const LABEL_TRANSFORM = [
  { type: "exceedAdjust" },
  {
    type: "overlapHide",
    priority: (one: Label, other: Label) => Number(other.style.zIndex) - Number(one.style.zIndex),
  },
];

interface Label {
  style: { zIndex?: number | string };
}

/** Nodes below this share of the largest are not labelled; the tooltip and the table name them. */
const MIN_LABELLED_SHARE = { wide: 0.03, narrow: 0.12 };

interface Props {
  flow: StageFlow;
  theme: ChartTheme;
  narrow: boolean;
  /** called with the key of a stage that was clicked; must be stable */
  onStageClick(stage: string): void;
}

/** Sankey diagram of moves between stages, step by step from left to right. */
export default function FlowChart({ flow, theme, narrow, onStageClick }: Props) {
  const minLabelled = maxNodeValue(flow) * (narrow ? MIN_LABELLED_SHARE.narrow : MIN_LABELLED_SHARE.wide);
  const nodeColours = new Map(flow.nodes.map((node) => [node.key, node.colour]));
  return (
    <Sankey
      {...baseOptions(theme)}
      height={narrow ? 360 : 460}
      data={{ value: flow, transform: CLONE_DATA }}
      onReady={({ chart }) => {
        chart.on("element:click", ({ data }: { data?: { data?: { stage?: string } } }) => {
          const stage = data?.data?.stage; // ribbons have none
          if (stage !== undefined) onStageClick(stage);
        });
      }}
      layout={{ nodeDepth: (node: { step: number }) => node.step, nodeWidth: 0.012, nodePadding: 0.05 }}
      linkColorField={(link: { source: { key: string } }) => link.source.key}
      scale={{ color: { domain: [...nodeColours.keys()], range: [...nodeColours.values()] } }}
      style={{
        labelText: ({ name, value }: { name: string; value: number }) =>
          value < minLabelled ? "" : narrow ? name : `${name} ${formatNumber(value)}`,
        labelFontSize: 12,
        labelZIndex: ({ value }: { value: number }) => value,
        labelTransform: LABEL_TRANSFORM,
        labelFill: theme.text,
        labelFillOpacity: 1,
        labelStroke: theme.background,
        labelLineWidth: 3,
        nodeStrokeWidth: 0,
        nodeStroke: "transparent",
        nodeCursor: "pointer",
        linkFillOpacity: theme.dark ? 0.45 : 0.35,
      }}
      tooltip={{
        nodeTitle: (node: { name: string }) => node.name,
        nodeItems: [(node: { value: number }) => ({ name: "", value: formatNumber(node.value) })],
        linkTitle: "",
        linkItems: [
          // The layout replaces the keys of a link's ends by their nodes, and drops fields that it does not know.
          (link: { source: { name: string }; target: { name: string }; value: number }) => ({
            name: `${link.source.name} → ${link.target.name}`,
            value: formatNumber(link.value),
          }),
        ],
      }}
    />
  );
}

/** Return the largest total inflow or outflow of a node. */
function maxNodeValue(flow: StageFlow): number {
  const sums = new Map<string, number>();
  for (const { source, target, value } of flow.links) {
    sums.set(`from ${source}`, (sums.get(`from ${source}`) ?? 0) + value);
    sums.set(`to ${target}`, (sums.get(`to ${target}`) ?? 0) + value);
  }
  return Math.max(0, ...sums.values());
}
