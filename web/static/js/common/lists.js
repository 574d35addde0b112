// The end of a list, and a list backwards: `at` and `toReversed` are younger than the oldest browsers that are served.

/** The last of a list; undefined where it is empty. */
export const last = (list) => list[list.length - 1];

/** The list backwards, in a copy. */
export const reversed = (list) => [...list].reverse();
