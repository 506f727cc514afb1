"""RevidAPI: images, videos, motion control and talking avatars as jobs, with slots, a queue and uploads."""
