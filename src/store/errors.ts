// What opening or writing the store can fail with; each is one sentence for the person who ran `up`.

/** Another process (or another store in this one) has the file open. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked';
}

/** The file cannot be opened, is damaged, is of a newer version, or a write failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
