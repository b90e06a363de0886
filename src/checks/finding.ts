// What a check answers: nothing, or one finding for each violation, with the values in the sentence.

export type Finding = {
  /** The invariant's name, as the README lists it. */
  readonly check: string;
  readonly sentence: string;
};
