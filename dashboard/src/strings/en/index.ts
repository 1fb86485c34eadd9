export const language = "en";

export * from "./analytics";
export * from "./appointments";
export * from "./call-list";
export * from "./common";
export * from "./contacts";
export * from "./customers";
export * from "./journey";
export * from "./labels";
export * from "./merges";
export * from "./past";
export * from "./problems";
export * from "./retractions";
export * from "./work";
