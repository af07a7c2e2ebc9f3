-- An item: its attributes as JSON text, and in columns what the indexes need of them.
-- Texts compare as their UTF-8 bytes (BINARY), as DynamoDB's sort keys do.
CREATE TABLE item (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    attributes TEXT NOT NULL,
    gsi1pk TEXT,
    gsi1sk TEXT,
    gsi2pk TEXT,
    gsi2sk TEXT,
    PRIMARY KEY (pk, sk),
    -- An item is in an index with both of its attributes or not at all.
    CHECK ((gsi1pk IS NULL) = (gsi1sk IS NULL)),
    CHECK ((gsi2pk IS NULL) = (gsi2sk IS NULL))
) STRICT, WITHOUT ROWID;

-- Sparse, and ended by the primary key, which orders what ties.
CREATE INDEX item_gsi1 ON item (gsi1pk, gsi1sk, pk, sk) WHERE gsi1pk IS NOT NULL;
CREATE INDEX item_gsi2 ON item (gsi2pk, gsi2sk, pk, sk) WHERE gsi2pk IS NOT NULL;
