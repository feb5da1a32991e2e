"""What a program with boto3 does with a bucket. Run by boto3.test.ts; ends with a line of JSON."""
import datetime
import hashlib
import io
import json
import os
import sys
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, bucket = sys.argv[1], sys.argv[2]
s3 = boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


def code(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def same(found, wanted, what):
    assert found == wanted, f"{what}: {found!r} is not {wanted!r}"


s3.create_bucket(Bucket=bucket)
s3.get_waiter("bucket_exists").wait(Bucket=bucket)
assert bucket in [one["Name"] for one in s3.list_buckets(Prefix=bucket)["Buckets"]]

# Bodies with the default CRC trailer, of no and one byte and around all that is cut at: what lies in a row, in a whole chunk, in chunks and their tails.
edges = [edge + step for edge in (1024, 4 << 10, 65536, 128 << 10, 1 << 20, 4 << 20) for step in (-1, 0, 1)]
for size in (0, 1, *edges):
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key=f"size/{size}", Body=io.BytesIO(body))
    assert any(name.startswith("Checksum") for name in put), put
    got = s3.get_object(Bucket=bucket, Key=f"size/{size}", ChecksumMode="ENABLED")
    same(hashlib.sha256(got["Body"].read()).digest(), hashlib.sha256(body).digest(), f"{size} bytes")
for algorithm in ("CRC32", "SHA1", "SHA256"):
    put = s3.put_object(Bucket=bucket, Key="sum", Body=b"sum", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")
    same(head[f"Checksum{algorithm}"], put[f"Checksum{algorithm}"], algorithm)
wrong = lambda: s3.put_object(Bucket=bucket, Key="sum", Body=b"sum", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
same(code(wrong), "BadDigest", "a wrong MD5")

# The managed transfer: parts at once, streams of unknown length, copies in parts.
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=4)
large = os.urandom((12 << 20) + 17)
s3.upload_fileobj(io.BytesIO(large), bucket, "large", Config=config, ExtraArgs={"Metadata": {"color": "blue"}, "ContentType": "x/y"})
back = io.BytesIO()
s3.download_fileobj(bucket, "large", back, Config=config)
same(hashlib.sha256(back.getvalue()).digest(), hashlib.sha256(large).digest(), "the large object")
head = s3.head_object(Bucket=bucket, Key="large")
same((head["Metadata"], head["ContentType"]), ({"color": "blue"}, "x/y"), "its metadata")
for size in ((5 << 20) - 1, 5 << 20, (5 << 20) + 1, (10 << 20) + 1):
    s3.upload_fileobj(io.BytesIO(large[:size]), bucket, "edge", Config=config)
    found = s3.get_object(Bucket=bucket, Key="edge")["Body"].read()
    same(hashlib.sha256(found).digest(), hashlib.sha256(large[:size]).digest(), f"{size} bytes in parts")
s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied", Config=config)
same(s3.head_object(Bucket=bucket, Key="copied")["ContentLength"], len(large), "the copy")
part = s3.get_object(Bucket=bucket, Key="large", Range="bytes=5242870-5242890")["Body"].read()
same(part, large[5242870:5242891], "a range over two parts")

# Listings with their pages.
for index in range(25):
    s3.put_object(Bucket=bucket, Key=f"list/{index:02}/ü +%", Body=b"")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="list/", PaginationConfig={"PageSize": 7})
same(len([one for page in pages for one in page["Contents"]]), 25, "pages of keys")
pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 4})
same(len([one for page in pages for one in page["CommonPrefixes"]]), 25, "pages of prefixes")

# Conditions.
same(code(lambda: s3.put_object(Bucket=bucket, Key="sum", Body=b"x", IfNoneMatch="*")), "PreconditionFailed", "If-None-Match")
etag = s3.head_object(Bucket=bucket, Key="sum")["ETag"]
s3.put_object(Bucket=bucket, Key="sum", Body=b"y", IfMatch=etag)
same(code(lambda: s3.put_object(Bucket=bucket, Key="sum", Body=b"z", IfMatch=etag)), "PreconditionFailed", "If-Match")
same(code(lambda: s3.get_object(Bucket=bucket, Key="sum", IfModifiedSince=datetime.datetime(2040, 1, 1))), "304", "If-Modified-Since")

# Presigned URLs and forms: in us-east-1 boto3 signs them by version 2 unless it is told otherwise.
def post(form, body):
    boundary = "boundary-of-the-form"
    parts = [*form["fields"].items(), ("file", body)]
    text = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return urllib.request.urlopen(urllib.request.Request(form["url"], f"{text}--{boundary}--\r\n".encode(), headers, method="POST"))


newer = boto3.client("s3", endpoint_url=endpoint, config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
for by, mark, version in ((s3, "AWSAccessKeyId", "default"), (newer, "X-Amz-Signature", "s3v4")):
    params = {"Bucket": bucket, "Key": f"signed {version}", "ContentType": "x/y", "Metadata": {"color": "blue"}}
    url = by.generate_presigned_url("put_object", Params=params, ExpiresIn=60)
    assert mark in url, url
    headers = {"Content-Type": "x/y", "x-amz-meta-color": "blue"}
    urllib.request.urlopen(urllib.request.Request(url, b"by URL", headers, method="PUT"))
    params = {"Bucket": bucket, "Key": f"signed {version}", "ResponseContentDisposition": 'attachment; filename="a b.txt"'}
    url = by.generate_presigned_url("get_object", Params=params, ExpiresIn=60)
    answer = urllib.request.urlopen(url)
    same(answer.read(), b"by URL", "a presigned URL")
    same(answer.headers["Content-Disposition"], 'attachment; filename="a b.txt"', "its answer's header")
    same((answer.headers["Content-Type"], answer.headers["x-amz-meta-color"]), ("x/y", "blue"), "what the URL was signed for")
    form = by.generate_presigned_post(bucket, f"posted {version}", Conditions=[["content-length-range", 1, 10]], ExpiresIn=60)
    same(post(form, "by form").status, 204, "a form")
    same(s3.get_object(Bucket=bucket, Key=f"posted {version}")["Body"].read(), b"by form", "what the form stored")
    try:
        post({**form, "fields": {**form["fields"], "key": "another"}}, "x")
        raise AssertionError("a form with another key was taken")
    except urllib.error.HTTPError as error:
        same(error.code, 403, "a form with another key")

# Documents of the bucket.
s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
same(s3.get_bucket_tagging(Bucket=bucket)["TagSet"], [{"Key": "a", "Value": "b"}], "tags")
rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["ETag"]}
s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
same(s3.get_bucket_cors(Bucket=bucket)["CORSRules"], [rule], "CORS")
rules = [
    {"ID": "a", "Status": "Enabled", "Filter": {"And": {"Prefix": "x/", "Tags": [{"Key": "k", "Value": "v"}]}}, "Expiration": {"Days": 3}},
    {"ID": "b", "Status": "Disabled", "Filter": {}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
    {"ID": "c", "Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 3}},
    {"ID": "d", "Status": "Enabled", "Filter": {"Prefix": "y"}, "Expiration": {"Date": datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)}},
]
s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
assert found[3]["Expiration"]["Date"] == rules[3]["Expiration"]["Date"], found
same([one["ID"] for one in found], ["a", "b", "c", "d"], "lifecycle")
site = {"IndexDocument": {"Suffix": "i.html"}, "RoutingRules": [{"Condition": {"KeyPrefixEquals": "a"}, "Redirect": {"HostName": "h"}}]}
s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=site)
answer = s3.get_bucket_website(Bucket=bucket)
same({name: answer[name] for name in site}, site, "website")
s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "log/"}})
same(s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetPrefix"], "log/", "logging")
s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
for remove in (s3.delete_bucket_tagging, s3.delete_bucket_cors, s3.delete_bucket_lifecycle, s3.delete_bucket_website):
    remove(Bucket=bucket)
same(code(lambda: s3.get_bucket_cors(Bucket=bucket)), "NoSuchCORSConfiguration", "no CORS")

# Away with it.
keys = [{"Key": one["Key"]} for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for one in page.get("Contents", [])]
same(s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}).get("Errors"), None, "deleting")
s3.delete_bucket(Bucket=bucket)
same(code(lambda: s3.head_bucket(Bucket=bucket)), "404", "the bucket is gone")
print(json.dumps({"boto3": boto3.__version__}))
