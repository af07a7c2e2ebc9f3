BEGIN TRANSACTION;
CREATE TABLE events (
        execution TEXT NOT NULL REFERENCES executions (name) ON DELETE CASCADE,
        id INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (execution, id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE executions (
        name TEXT PRIMARY KEY,
        status TEXT NOT NULL,
        input TEXT NOT NULL,
        output TEXT,
        error TEXT,
        cause TEXT,
        started_at TEXT NOT NULL,
        stopped_at TEXT,
        adopted INTEGER NOT NULL,
        made_unix_s INTEGER NOT NULL DEFAULT (unixepoch())
    ) STRICT;
INSERT INTO "executions" VALUES('save-659bb666fd7a5c8da671','SUCCEEDED','{"save_id":"save-659bb666fd7a5c8da671","caller":{"user":"alice","origin":{"channel":"cli"}},"request":{"instance":"work","template":"kept","region":"us-east-1","description":"","copy_to":[],"public":false,"project":null,"tags":{},"accept_instance_store_loss":null,"add_arch":false,"version":null}}','{"save_id":"save-659bb666fd7a5c8da671","template":"kept","version":1,"downtime_s":202.345,"images":{"us-east-1":"ami-029ca69a1d84f58f4"},"failed_regions":[],"usd_per_month":0.1277343953959644}',NULL,NULL,'2026-11-28T13:31:15.772313Z','2026-11-28T13:44:59.207313Z',1,1795872048);
INSERT INTO "executions" VALUES('save-c01822af860f1cccc808','SUCCEEDED','{"save_id":"save-c01822af860f1cccc808","caller":{"user":"alice","origin":{"channel":"cli"}},"request":{"instance":"work","template":"labs","region":"us-east-1","description":"","copy_to":[],"public":false,"project":"lab","tags":{},"accept_instance_store_loss":null,"add_arch":false,"version":null}}','{"save_id":"save-c01822af860f1cccc808","template":"labs","version":1,"downtime_s":269.818,"images":{"us-east-1":"ami-0a36c74e50b6519ef"},"failed_regions":[],"usd_per_month":0.1277343953959644}',NULL,NULL,'2026-11-28T13:47:23.962313Z','2026-11-28T13:52:43.156313Z',1,1795872049);
INSERT INTO "executions" VALUES('save-8510cfaabc3ca696724c','SUCCEEDED','{"save_id":"save-8510cfaabc3ca696724c","caller":{"user":"alice","origin":{"channel":"cli"}},"request":{"instance":"copy","template":"stopped-one","region":"us-east-1","description":"","copy_to":[],"public":false,"project":null,"tags":{},"accept_instance_store_loss":null,"add_arch":false,"version":null}}','{"save_id":"save-8510cfaabc3ca696724c","template":"stopped-one","version":1,"downtime_s":null,"images":{"us-east-1":"ami-0b39eaf19614496bd"},"failed_regions":[],"usd_per_month":0.1277343953959644}',NULL,NULL,'2026-11-28T14:06:24.329313Z','2026-11-28T14:16:55.532313Z',1,1795872050);
INSERT INTO "executions" VALUES('save-34c225841048603a0930','SUCCEEDED','{"save_id":"save-34c225841048603a0930","caller":{"user":"alice","origin":{"channel":"cli"}},"request":{"instance":"work","template":"kept","region":"us-east-1","description":"second","copy_to":["us-west-2"],"public":false,"project":null,"tags":{},"accept_instance_store_loss":null,"add_arch":false,"version":null}}','{"save_id":"save-34c225841048603a0930","template":"kept","version":2,"downtime_s":291.884,"images":{"us-east-1":"ami-0fe051447b05c59de","us-west-2":"ami-0b42d48df307c4a47"},"failed_regions":[],"usd_per_month":0.2554687907919288}',NULL,NULL,'2026-11-28T17:43:23.610313Z','2026-11-28T18:02:15.366313Z',1,1795872063);
CREATE TABLE notices (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
INSERT INTO "notices" VALUES(1,'{"at":"2026-11-28T13:43:47.612313078Z","save_id":"save-659bb666fd7a5c8da671","event":"save.succeeded","alarm":false,"text":"work was saved as kept@1."}');
INSERT INTO "notices" VALUES(2,'{"at":"2026-11-28T13:52:39.209313078Z","save_id":"save-c01822af860f1cccc808","project":"lab","event":"save.succeeded","alarm":false,"text":"work was saved as labs@1."}');
INSERT INTO "notices" VALUES(3,'{"at":"2026-11-28T14:15:39.126313078Z","save_id":"save-8510cfaabc3ca696724c","event":"save.succeeded","alarm":false,"text":"copy was saved as stopped-one@1."}');
INSERT INTO "notices" VALUES(4,'{"at":"2026-11-28T18:00:35.270313078Z","save_id":"save-34c225841048603a0930","event":"save.succeeded","alarm":false,"text":"work was saved as kept@2."}');
CREATE TABLE settings (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
INSERT INTO "settings" VALUES('pace','{"anchor":{"real":"2026-11-28T13:21:04.795547670Z","simulated":"2026-11-28T18:06:13.903313078Z"},"speed":1.0}');
COMMIT;
PRAGMA application_id = 1349667951;
PRAGMA user_version = 1;
