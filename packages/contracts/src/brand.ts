declare const brand: unique symbol;

/** A value of type `T` that was parsed at the edge, so that no unchecked `T` can stand in for it. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
