package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is a Store in a bucket of an S3 server; the objects are blobs/aa/<sum>.
// Several processes may share it.
type S3 struct {
	client *minio.Client
	bucket string
	temp   string // folder in which an upload waits for its sum
}

// s3Spec is an address taken apart.
type s3Spec struct {
	bucket, host, region string
	accessKey, secretKey string
	plain                bool // without TLS
}

// OpenS3 opens the bucket that spec names and looks whether it is there and the
// keys are right; it makes no bucket. In
// "s3://bucket?endpoint=https://host:port&region=ru-central1" the endpoint may
// lack its scheme (then https). Keys come from o, or stand as s3://key:secret@….
func OpenS3(ctx context.Context, spec string, o Options) (*S3, error) {
	a, err := parseS3(spec)
	if err != nil {
		return nil, err
	}
	if o.AccessKey != "" {
		a.accessKey, a.secretKey = o.AccessKey, o.SecretKey
	}
	if a.accessKey == "" || a.secretKey == "" {
		return nil, fmt.Errorf("files in S3: no access key and secret given for bucket %q", a.bucket)
	}
	client, err := minio.New(a.host, &minio.Options{
		Creds:      credentials.NewStaticV4(a.accessKey, a.secretKey, ""),
		Secure:     !a.plain,
		Region:     a.region,
		MaxRetries: 4, // about a second; whoever uploads is waiting
	})
	if err != nil {
		return nil, fmt.Errorf("files in S3 at %s: %w", a.host, err)
	}
	s := &S3{client: client, bucket: a.bucket, temp: o.Temp}
	if err := s.check(ctx, a.host); err != nil {
		return nil, err
	}
	return s, nil
}

// parseS3 reads an address. Its errors never repeat it: it may hold a secret.
func parseS3(spec string) (s3Spec, error) {
	u, err := url.Parse(spec)
	if err != nil || u.Scheme != "s3" || u.Opaque != "" {
		return s3Spec{}, errors.New("files in S3: the address is not of the form s3://bucket?endpoint=…&region=… (signs like / + in a secret are written %2F %2B)")
	}
	a := s3Spec{bucket: u.Host, accessKey: u.User.Username()}
	a.secretKey, _ = u.User.Password()
	if a.bucket == "" || strings.Trim(u.Path, "/") != "" {
		return s3Spec{}, errors.New("files in S3: the address must name a bucket and no folder in it: s3://bucket?endpoint=…")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return s3Spec{}, errors.New("files in S3: what follows the ? cannot be read")
	}
	for name := range query {
		if !slices.Contains([]string{"endpoint", "region"}, name) {
			return s3Spec{}, fmt.Errorf("files in S3: unknown setting %q: endpoint and region are known", name)
		}
	}
	a.region = query.Get("region")
	endpoint := query.Get("endpoint")
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	e, err := url.Parse(endpoint)
	if err != nil || e.Host == "" || e.User != nil || strings.Trim(e.Path, "/") != "" || (e.Scheme != "https" && e.Scheme != "http") {
		return s3Spec{}, errors.New("files in S3: endpoint must be host, host:port, or http(s)://host:port")
	}
	a.host, a.plain = e.Host, e.Scheme == "http"
	return a, nil
}

// check tells apart the mistakes that are made when an address is typed. It asks
// for a list, because only an answer with a body says which mistake it was.
func (s *S3) check(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var err error
	for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: "blobs/", MaxKeys: 1}) {
		err = o.Err
		break
	}
	if err == nil {
		err = ctx.Err()
	}
	switch answer := minio.ToErrorResponse(err); {
	case err == nil:
		return nil
	case answer.Code == minio.NoSuchBucket:
		return fmt.Errorf("files in S3: there is no bucket %q at %s: make it first", s.bucket, host)
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized,
		answer.StatusCode == http.StatusNotFound: // versitygw does not find the user
		return fmt.Errorf("files in S3: %s refuses these keys for bucket %q: %w", host, s.bucket, err)
	case answer.StatusCode == http.StatusMovedPermanently || answer.StatusCode == http.StatusBadRequest:
		return fmt.Errorf("files in S3: %s does not take the request for bucket %q: is the region right? %w", host, s.bucket, err)
	}
	return fmt.Errorf("files in S3: reach %s: %w", host, err)
}

// Put implements Store. The bytes wait in a local file, since the name of the
// object is their sum. They are sent even when they are there already: that
// renews the object's time on every kind of server.
func (s *S3) Put(ctx context.Context, r io.Reader, limit int64) (Info, error) {
	tmp, err := os.CreateTemp(s.temp, "styk-upload-")
	if err != nil {
		return Info{}, fmt.Errorf("store a file: %w", full(err))
	}
	os.Remove(tmp.Name())       // so that a crash leaves nothing; Windows refuses this
	defer os.Remove(tmp.Name()) // and is asked again when the file is closed
	defer tmp.Close()
	info, err := pour(ctx, tmp, r, limit)
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err == nil {
		// The signed MD5 guards the bytes. Signing them in pieces besides would make
		// the client send an empty file without a length, which servers refuse.
		_, err = s.client.PutObject(ctx, s.bucket, key(info.Sum), tmp, info.Size,
			minio.PutObjectOptions{ContentType: anything, SendContentMd5: true, DisableContentSha256: true})
	}
	if err != nil {
		return Info{}, fmt.Errorf("store a file: %w", full(said(err)))
	}
	return info, nil
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, sum string) (io.ReadSeekCloser, int64, error) {
	if !validSum(sum) {
		return nil, 0, fmt.Errorf("open %q: %w", sum, ErrNotFound)
	}
	o, err := s.client.GetObject(ctx, s.bucket, key(sum), minio.GetObjectOptions{})
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", sum, said(err))
	}
	st, err := o.Stat() // GetObject alone asks nothing
	if err != nil {
		o.Close()
		return nil, 0, fmt.Errorf("open %s: %w", sum, said(err))
	}
	return o, st.Size, nil
}

// Stat implements Store.
func (s *S3) Stat(ctx context.Context, sum string) (int64, time.Time, error) {
	if !validSum(sum) {
		return 0, time.Time{}, fmt.Errorf("look at %q: %w", sum, ErrNotFound)
	}
	st, err := s.client.StatObject(ctx, s.bucket, key(sum), minio.StatObjectOptions{})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("look at %s: %w", sum, said(err))
	}
	return st.Size, st.LastModified, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, sum string) error {
	if !validSum(sum) {
		return nil
	}
	err := said(s.client.RemoveObject(ctx, s.bucket, key(sum), minio.RemoveObjectOptions{}))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("delete %s: %w", sum, err)
	}
	return nil
}

// Verify implements Store.
func (s *S3) Verify(ctx context.Context, sum string) error { return verify(ctx, s, sum) }

// Sweep implements Store.
func (s *S3) Sweep(ctx context.Context, olderThan time.Time, referenced Referenced) (int, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing when we leave it early
	defer cancel()
	removed := 0
	var old []string
	for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: "blobs/", Recursive: true}) {
		if o.Err != nil {
			return removed, fmt.Errorf("sweep files: list: %w", said(o.Err))
		}
		sum := o.Key[strings.LastIndexByte(o.Key, '/')+1:]
		if validSum(sum) && key(sum) == o.Key && o.LastModified.Before(olderThan) {
			old = append(old, sum)
		}
		if len(old) == sweepBatch {
			gone, err := s.sweepSums(ctx, old, olderThan, referenced)
			removed, old = removed+gone, old[:0]
			if err != nil {
				return removed, fmt.Errorf("sweep files: %w", err)
			}
		}
	}
	if err := ctx.Err(); err != nil || len(old) == 0 {
		return removed, err
	}
	gone, err := s.sweepSums(ctx, old, olderThan, referenced)
	if err != nil {
		err = fmt.Errorf("sweep files: %w", err)
	}
	return removed + gone, err
}

func (s *S3) sweepSums(ctx context.Context, sums []string, olderThan time.Time, referenced Referenced) (removed int, err error) {
	needed, err := referenced(ctx, slices.Clone(sums))
	if err != nil {
		return 0, err
	}
	for _, sum := range sums {
		if needed[sum] {
			continue
		}
		// A Put may have taken the bytes up again since they were listed.
		_, put, err := s.Stat(ctx, sum)
		if errors.Is(err, ErrNotFound) || err == nil && !put.Before(olderThan) {
			continue
		}
		if err == nil {
			err = s.Delete(ctx, sum)
		}
		if err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

func key(sum string) string { return "blobs/" + sum[:2] + "/" + sum }

// said turns the server's words into our errors.
func said(err error) error {
	switch answer := minio.ToErrorResponse(err); {
	case err == nil:
		return nil
	case answer.Code == minio.NoSuchKey:
		return ErrNotFound
	case answer.StatusCode == http.StatusInsufficientStorage || strings.HasSuffix(answer.Code, "StorageFull") || answer.Code == "QuotaExceeded":
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
