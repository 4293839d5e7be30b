package blob

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const testKey, testSecret = "styktest", "styk/test+secret"

func newFakeS3(t testing.TB) *S3 {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return openS3(t, server.URL, "files")
}

func openS3(t testing.TB, endpoint, bucket string) *S3 {
	t.Helper()
	s, err := OpenS3(context.Background(), "s3://"+bucket+"?region=us-east-1&endpoint="+url.QueryEscape(endpoint),
		Options{AccessKey: testKey, SecretKey: testSecret, Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// realS3 is the one server process of the package's tests.
var realS3 struct {
	once     sync.Once
	cmd      *exec.Cmd
	folder   string
	endpoint string
	err      error
	buckets  atomic.Int64
}

func TestMain(m *testing.M) {
	code := m.Run()
	if realS3.cmd != nil {
		realS3.cmd.Process.Kill()
		realS3.cmd.Wait()
	}
	if realS3.folder != "" {
		os.RemoveAll(realS3.folder)
	}
	os.Exit(code)
}

func newRealS3(t testing.TB) *S3 {
	t.Helper()
	endpoint := realEndpoint(t)
	bucket := fmt.Sprintf("files-%d", realS3.buckets.Add(1))
	client, err := minio.New(strings.TrimPrefix(endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(testKey, testSecret, ""), Region: "us-east-1"})
	if err == nil {
		err = client.MakeBucket(context.Background(), bucket, minio.MakeBucketOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return openS3(t, endpoint, bucket)
}

// realEndpoint starts the server when the first test asks for it.
func realEndpoint(t testing.TB) string {
	t.Helper()
	binary, err := exec.LookPath("versitygw")
	if err != nil {
		binary, err = exec.LookPath(filepath.Join("..", ".tools", "bin", "versitygw"))
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("versitygw is not installed: make test installs it into .tools/bin")
		}
		t.Skip("SKIP: versitygw is not installed (make test installs it): not tried against a real S3 server")
	}
	realS3.once.Do(func() { realS3.err = startS3(binary) })
	if realS3.err != nil {
		t.Fatal(realS3.err)
	}
	return realS3.endpoint
}

func startS3(binary string) error {
	folder, err := os.MkdirTemp("", "styk-s3-")
	if err != nil {
		return err
	}
	realS3.folder = folder
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := l.Addr().String()
	l.Close()
	var log bytes.Buffer
	cmd := exec.Command(binary, "--quiet", "--access", testKey, "--secret", testSecret, "--port", addr, "posix", folder)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return err
	}
	realS3.cmd, realS3.endpoint = cmd, "http://"+addr
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // a foreign process gives no sign but this
		if resp, err := http.Get(realS3.endpoint); err == nil {
			resp.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("versitygw does not answer at %s", addr)
}

func TestOpenS3SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	endpoint := url.QueryEscape(realEndpoint(t))
	newRealS3(t)
	good := Options{AccessKey: testKey, SecretKey: testSecret}
	for name, c := range map[string]struct {
		spec string
		o    Options
		want string
	}{
		"no bucket":      {"s3://absent?endpoint=" + endpoint, good, `there is no bucket "absent"`},
		"wrong secret":   {"s3://files-1?endpoint=" + endpoint, Options{AccessKey: testKey, SecretKey: "wrong-secret"}, "refuses these keys"},
		"wrong key":      {"s3://files-1?endpoint=" + endpoint, Options{AccessKey: "nobody", SecretKey: "wrong-secret"}, "refuses these keys"},
		"no keys":        {"s3://files-1?endpoint=" + endpoint, Options{}, "no access key"},
		"nobody listens": {"s3://files-1?endpoint=" + url.QueryEscape("http://127.0.0.1:1"), good, "reach 127.0.0.1:1"},
		"unknown word":   {"s3://files-1?endpont=" + endpoint, good, `unknown setting "endpont"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), c.spec, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrong-secret") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestOpenS3KeysInTheAddress(t *testing.T) {
	t.Parallel()
	newRealS3(t)
	spec := "s3://" + url.UserPassword(testKey, testSecret).String() + "@files-1?endpoint=" + url.QueryEscape(realEndpoint(t))
	if _, err := Open(t.Context(), spec, Options{}); err != nil {
		t.Error(err)
	}
}

func TestOpenSpec(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if _, ok := s.(Roomy); !ok || err != nil {
		t.Errorf("a folder: got %T %v", s, err)
	}
	for _, spec := range []string{"", "ftp://host/files", "s3:bucket", "s3://", "s3://bucket/folder?endpoint=h", "s3://bucket?endpoint=ftp://h", "s3://bucket?endpoint=h/x", "s3://b?endpoint=", "s3://k:%zz@b?endpoint=h"} {
		if _, err := Open(t.Context(), spec, Options{AccessKey: "k", SecretKey: "hidden"}); err == nil {
			t.Errorf("%q opened", spec)
		}
	}
}

// What stands in an address never comes back in an error: it may be the secret.
func FuzzParseS3(f *testing.F) {
	for _, s := range []string{"s3://bucket?endpoint=https://host:9000&region=ru", "s3://k:s%2F@bucket?endpoint=h", "s3://", "s3://b?endpoint=%zz", "S3://b", "s3://[::1]:x?endpoint=http://[::1]:80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		const secret = "x7Kq2hidden"
		if _, err := parseS3("s3://key:" + secret + "@" + rest); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the secret stands in %q", err)
		}
		if a, err := parseS3(rest); err == nil && (a.bucket == "" || a.host == "") {
			t.Errorf("%q gave %+v", rest, a)
		}
	})
}
