import { describe, expect, test } from "vitest";
import type { SankeyData } from "../src/api/types";
import { dashOf } from "../src/charts/palette";
import { toStageFlow } from "../src/charts/stage-flow";

const flow = (data: SankeyData) =>
  toStageFlow(
    data,
    (stage) => stage.toUpperCase(),
    (stage) => `#${stage}`,
  );

const LOOP: SankeyData = {
  nodes: [
    { id: "0:customer", step: 0, stage: "customer" },
    { id: "1:at_risk", step: 1, stage: "at_risk" },
    { id: "2:customer", step: 2, stage: "customer" },
    { id: "3:at_risk", step: 3, stage: "at_risk" },
    { id: "3:churned", step: 3, stage: "churned" },
  ],
  links: [
    { source: "0:customer", target: "1:at_risk", count: 9 },
    { source: "1:at_risk", target: "2:customer", count: 4 },
    { source: "2:customer", target: "3:at_risk", count: 1 },
  ],
};

describe("stage flow with a loop", () => {
  test("continues to the right, with one stage at several steps", () => {
    const { nodes, links } = flow(LOOP);
    expect(nodes.filter((node) => node.stage === "customer").map((node) => node.step)).toEqual([0, 2]);
    expect(links.map(({ from, to, value }) => [from, to, value])).toEqual([
      ["CUSTOMER", "AT_RISK", 9],
      ["AT_RISK", "CUSTOMER", 4],
      ["CUSTOMER", "AT_RISK", 1],
    ]);
  });

  test("has no nodes without links", () => {
    expect(flow(LOOP).nodes.map((node) => node.key)).not.toContain("3:churned");
  });

  test("never has a cycle, because the chart would throw", () => {
    const back = { source: "2:customer", target: "1:at_risk", count: 2 };
    const itself = { source: "1:at_risk", target: "1:at_risk", count: 2 };
    const nowhere = { source: "1:at_risk", target: "9:gone", count: 2 };
    const empty = { source: "0:customer", target: "2:customer", count: 0 };
    const { links } = flow({ nodes: LOOP.nodes, links: [...LOOP.links, back, itself, nowhere, empty] });
    expect(links).toHaveLength(LOOP.links.length);
  });

  test("is empty for empty data", () => {
    expect(flow({ nodes: [], links: [] })).toEqual({ nodes: [], links: [] });
  });
});

test("neighbouring lines have different dashes", () => {
  for (let index = 0; index < 12; index++) expect(dashOf(index)).not.toEqual(dashOf(index + 1));
});
