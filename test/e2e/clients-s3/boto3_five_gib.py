"""More than 5 GiB by boto3: up in parts, read back, copied in parts. Run by five-gib.test.ts; ends with a line of JSON."""
import hashlib
import json
import os
import random
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, bucket, size, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
MIB = 1 << 20
PART = 64 * MIB
s3 = boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, read_timeout=600))
config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)


class Source:
    """A stream of bytes that no two places have in common, and their MD5."""

    def __init__(self):
        self.left, self.random, self.md5, self.kept = size, random.Random(seed), hashlib.md5(), b""

    def read(self, count=-1):
        count = min(self.left, count if count >= 0 else self.left)
        while len(self.kept) < count:
            self.kept += self.random.randbytes(MIB)
        piece, self.kept = self.kept[:count], self.kept[count:]
        self.left -= count
        self.md5.update(piece)
        return piece


def md5_of(key):
    digest, count = hashlib.md5(), 0
    for piece in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(MIB):
        digest.update(piece)
        count += len(piece)
    assert count == size, f"{key} has {count} bytes, not {size}"
    return digest.hexdigest()


def code(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


s3.create_bucket(Bucket=bucket)
source = Source()
s3.upload_fileobj(source, bucket, "large", Config=config)
wanted = source.md5.hexdigest()
head = s3.head_object(Bucket=bucket, Key="large")
parts = -(-size // PART)
assert head["ContentLength"] == size and head["ETag"].endswith(f'-{parts}"'), head
assert md5_of("large") == wanted, "what was read is not what was sent"

# Ranges beyond what 32 bits count, and the last part by its number.
tail = s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={size - 10}-")["Body"].read()
last = s3.get_object(Bucket=bucket, Key="large", PartNumber=parts)
assert last["PartsCount"] == parts and last["Body"].read()[-10:] == tail, "the end"

# At once it is too large to be copied; boto3's own copy goes by UploadPartCopy.
source_of = {"Bucket": bucket, "Key": "large"}
refused = code(lambda: s3.copy_object(Bucket=bucket, Key="at once", CopySource=source_of))
assert refused == "InvalidRequest", refused
s3.copy(source_of, bucket, "copied", Config=config)
assert md5_of("copied") == wanted, "the copy is not the source"
whole = s3.create_multipart_upload(Bucket=bucket, Key="one part")
refused = code(lambda: s3.upload_part_copy(Bucket=bucket, Key="one part", UploadId=whole["UploadId"], PartNumber=1, CopySource=source_of))
assert refused == "InvalidRequest", refused
s3.abort_multipart_upload(Bucket=bucket, Key="one part", UploadId=whole["UploadId"])

for key in ("large", "copied"):
    s3.delete_object(Bucket=bucket, Key=key)
s3.delete_bucket(Bucket=bucket)
print(json.dumps({"md5": wanted, "parts": parts}))
