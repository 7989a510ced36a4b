/* Makes chosen system calls of a process fail, on files under one folder, and sets its clock; loaded with LD_PRELOAD by
 * tests/soak/shim.py.
 *
 * The test and all processes of the service share one mapped page: which calls count, how many to let through, how many
 * then fail, and how. What it cannot see: pages written through a mapping, and calls that libc makes inside itself.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, RENAME = 4, CREATE = 8 };

struct control { /* the layout of shim.py's Control */
    int32_t calls;    /* which kinds count */
    int32_t error;    /* errno of what fails; 0 writes half of what it was given */
    int64_t let;      /* how many of them succeed first */
    int64_t fail;     /* how many then fail */
    int64_t seen;     /* how many came */
    int64_t failed;   /* how many failed */
    int64_t later;    /* seconds by which the clock is ahead */
    char folder[PATH_MAX];
};

static struct control *control;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULTS_CONTROL");
    int file = path ? open(path, O_RDWR) : -1;
    if (file < 0) return;
    void *page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) control = page;
    close(file);
}

static int is_inside(const char *path) {
    size_t length = strlen(control->folder);
    return length && strncmp(path, control->folder, length) == 0;
}

static int is_inside_file(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

/* Whether this call, which is one that counts, has its turn to fail. */
static int fails(void) {
    int64_t number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
    if (number <= control->let || number > control->let + control->fail) return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    return 1;
}

static int kind_counts(int kind) { return control && (control->calls & kind); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_IF(condition, result) \
    do { if (condition) { errno = control->error; return result; } } while (0)
#define WRITES(name, file, size, whole, half) \
    do { \
        if (!kind_counts(WRITE) || !is_inside_file(file) || !fails()) return whole; \
        if (control->error == 0) return (size) > 1 ? half : whole; \
        errno = control->error; \
        return -1; \
    } while (0)

ssize_t write(int file, const void *data, size_t size) {
    WRITES(write, file, size, REAL(write)(file, data, size), REAL(write)(file, data, size / 2));
}

ssize_t pwrite(int file, const void *data, size_t size, off_t place) {
    WRITES(pwrite, file, size, REAL(pwrite)(file, data, size, place), REAL(pwrite)(file, data, size / 2, place));
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t place) {
    WRITES(pwrite64, file, size, REAL(pwrite64)(file, data, size, place), REAL(pwrite64)(file, data, size / 2, place));
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    WRITES(writev, file, 0, REAL(writev)(file, parts, count), -1); /* never halved */
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    if (kind_counts(WRITE) && is_inside_file(fileno(stream)) && fails()) {
        errno = control->error ? control->error : ENOSPC;
        return REAL(fwrite)(data, size, count / 2, stream);
    }
    return REAL(fwrite)(data, size, count, stream);
}

int fsync(int file) {
    FAIL_IF(kind_counts(SYNC) && is_inside_file(file) && fails(), -1);
    return REAL(fsync)(file);
}

int fdatasync(int file) {
    FAIL_IF(kind_counts(SYNC) && is_inside_file(file) && fails(), -1);
    return REAL(fdatasync)(file);
}

int rename(const char *from, const char *to) {
    FAIL_IF(kind_counts(RENAME) && is_inside(to) && fails(), -1);
    return REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    FAIL_IF(kind_counts(CREATE) && is_inside(path) && fails(), -1);
    return REAL(mkdir)(path, mode);
}

#define OPENS(name, path, flags, ...) \
    do { \
        va_list rest; \
        mode_t mode = 0; \
        if (flags & O_CREAT) { va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        FAIL_IF(flags & O_CREAT && kind_counts(CREATE) && is_inside(path) && fails(), -1); \
        return REAL(name)(__VA_ARGS__, flags, mode); \
    } while (0)

int open(const char *path, int flags, ...) { OPENS(open, path, flags, path); }
int open64(const char *path, int flags, ...) { OPENS(open64, path, flags, path); }
int openat(int folder, const char *path, int flags, ...) { OPENS(openat, path, flags, folder, path); }
int openat64(int folder, const char *path, int flags, ...) { OPENS(openat64, path, flags, folder, path); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (control && clock == CLOCK_REALTIME) now->tv_sec += control->later;
    return result;
}
