/* Stands between a process and its disk (LD_PRELOAD): counts each call that touches one folder, and at a
   chosen one kills the process, tears the write, or returns an error. It can also write down every call,
   so that a loss of power can be simulated from the record. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { NOTHING, KILL, TORN, FULL_ONCE, FULL, BROKEN_ONCE, BROKEN, UNREADABLE_ONCE, UNREADABLE };

static char folder[4096];
static size_t folder_length;
static long changes, reads, target = -1;
static int kind = NOTHING, record = -1, quiet = 0;

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

void fault_arm(const char *path, long at, int what) {
    snprintf(folder, sizeof folder, "%s", path);
    folder_length = strlen(folder);
    changes = reads = 0;
    target = at;
    kind = what;
}
void fault_disarm(void) { folder_length = 0; record = -1; }
void fault_record(int handle) { record = handle; }
long fault_changes(void) { return changes; }
long fault_reads(void) { return reads; }

static int inside(const char *path) {
    return folder_length && !quiet && !strncmp(path, folder, folder_length);
}

static int path_of(int handle, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t size = readlink(link, path, 4095);
    path[size > 0 ? size : 0] = 0;
    return size > 0;
}

static void resolve(int place, const char *name, char *path) {
    if (name[0] == '/' || place == AT_FDCWD) { snprintf(path, 4096, "%s", name); return; }
    char parent[4096];
    path_of(place, parent);
    snprintf(path, 4096, "%.2000s/%.2000s", parent, name);
}

/* One record: letter, inode, offset, number of bytes, length of the path, path, bytes. */
static void note(char letter, uint64_t inode, int64_t offset, const char *path, const void *data, uint32_t size) {
    if (record < 0) return;
    struct __attribute__((packed)) { char letter; uint64_t inode; int64_t offset; uint32_t size; uint16_t length; }
        head = {letter, inode, offset, size, (uint16_t)strlen(path)};
    quiet = 1;
    if (write(record, &head, sizeof head) < 0 || write(record, path, head.length) < 0
        || (size && write(record, data, size) < 0)) raise(SIGABRT);
    quiet = 0;
}
void fault_mark(const char *text) { note('M', 0, 0, text, "", 0); }

static uint64_t inode_of(int handle) {
    struct stat found;
    return fstat(handle, &found) ? 0 : found.st_ino;
}

/* The error that this changing call must return, or 0. Does not come back where the process is to die. */
static int strike(int tearable) {
    long here = changes++;
    if (target < 0 || here < target) return 0;
    if (here == target && kind == KILL) kill(getpid(), SIGKILL);
    if (here == target && kind == TORN) { if (tearable) return -1; kill(getpid(), SIGKILL); }
    if (kind == FULL || (kind == FULL_ONCE && here == target)) return ENOSPC;
    if (kind == BROKEN || (kind == BROKEN_ONCE && here == target)) return EIO;
    return 0;
}
static int strike_read(void) {
    long here = reads++;
    if (target < 0 || here < target) return 0;
    return kind == UNREADABLE || (kind == UNREADABLE_ONCE && here == target) ? EIO : 0;
}

ssize_t write(int handle, const void *data, size_t size) {
    REAL("write", ssize_t, int, const void *, size_t);
    char path[4096];
    if (!folder_length || quiet || !path_of(handle, path) || !inside(path)) return real(handle, data, size);
    int error = strike(1);
    if (error < 0) { real(handle, data, size / 2); kill(getpid(), SIGKILL); }
    if (error) { errno = error; return -1; }
    int64_t offset = fcntl(handle, F_GETFL) & O_APPEND ? lseek(handle, 0, SEEK_END) : lseek(handle, 0, SEEK_CUR);
    ssize_t done = real(handle, data, size);
    if (done > 0) note('W', inode_of(handle), offset, path, data, (uint32_t)done);
    return done;
}

static ssize_t placed(ssize_t (*real)(int, const void *, size_t, off_t), int handle, const void *data, size_t size, off_t offset) {
    char path[4096];
    if (!folder_length || quiet || !path_of(handle, path) || !inside(path)) return real(handle, data, size, offset);
    int error = strike(1);
    if (error < 0) { real(handle, data, size / 2, offset); kill(getpid(), SIGKILL); }
    if (error) { errno = error; return -1; }
    ssize_t done = real(handle, data, size, offset);
    if (done > 0) note('W', inode_of(handle), offset, path, data, (uint32_t)done);
    return done;
}
ssize_t pwrite(int h, const void *d, size_t n, off_t o) { REAL("pwrite", ssize_t, int, const void *, size_t, off_t); return placed(real, h, d, n, o); }
ssize_t pwrite64(int h, const void *d, size_t n, off_t o) { REAL("pwrite64", ssize_t, int, const void *, size_t, off_t); return placed(real, h, d, n, o); }

static int unreadable(int handle) {
    char path[4096];
    if (!folder_length || quiet || kind < UNREADABLE_ONCE || !path_of(handle, path) || !inside(path)) return 0;
    return strike_read();
}
ssize_t read(int h, void *d, size_t n) { REAL("read", ssize_t, int, void *, size_t); if (unreadable(h)) { errno = EIO; return -1; } return real(h, d, n); }
ssize_t pread(int h, void *d, size_t n, off_t o) { REAL("pread", ssize_t, int, void *, size_t, off_t); if (unreadable(h)) { errno = EIO; return -1; } return real(h, d, n, o); }
ssize_t pread64(int h, void *d, size_t n, off_t o) { REAL("pread64", ssize_t, int, void *, size_t, off_t); if (unreadable(h)) { errno = EIO; return -1; } return real(h, d, n, o); }

/* Copies inside the kernel are refused, so that they come back as reads and writes. */
ssize_t sendfile(int o, int i, off_t *at, size_t n) { REAL("sendfile", ssize_t, int, int, off_t *, size_t); if (folder_length) { errno = EINVAL; return -1; } return real(o, i, at, n); }
ssize_t sendfile64(int o, int i, off_t *at, size_t n) { REAL("sendfile64", ssize_t, int, int, off_t *, size_t); if (folder_length) { errno = EINVAL; return -1; } return real(o, i, at, n); }

static int synced(int (*real)(int), int handle) {
    char path[4096];
    if (!folder_length || quiet || !path_of(handle, path) || !inside(path)) return real(handle);
    int error = strike(0);
    if (error) { errno = error; return -1; }
    note('S', inode_of(handle), 0, path, "", 0);
    return real(handle);
}
int fsync(int h) { REAL("fsync", int, int); return synced(real, h); }
int fdatasync(int h) { REAL("fdatasync", int, int); return synced(real, h); }

static int cut(int (*real)(int, off_t), int handle, off_t size) {
    char path[4096];
    if (!folder_length || quiet || !path_of(handle, path) || !inside(path)) return real(handle, size);
    int error = strike(0);
    if (error) { errno = error; return -1; }
    note('T', inode_of(handle), size, path, "", 0);
    return real(handle, size);
}
int ftruncate(int h, off_t n) { REAL("ftruncate", int, int, off_t); return cut(real, h, n); }
int ftruncate64(int h, off_t n) { REAL("ftruncate64", int, int, off_t); return cut(real, h, n); }

static int opened(const char *function, int place, const char *name, int flags, mode_t mode) {
    int (*real)(int, const char *, int, ...) = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, function);
    char path[4096];
    resolve(place, name, path);
    if (!(flags & (O_CREAT | O_TRUNC)) || !inside(path)) return real(place, name, flags, mode);
    int was_there = !access(path, F_OK), error = strike(0);
    if (error) { errno = error; return -1; }
    int handle = real(place, name, flags, mode);
    if (handle >= 0 && !was_there) note('C', inode_of(handle), 0, path, "", 0);
    if (handle >= 0 && was_there && flags & O_TRUNC) note('T', inode_of(handle), 0, path, "", 0);
    return handle;
}
#define MODE(flags) mode_t mode = 0; if ((flags) & O_CREAT) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }
int open(const char *name, int flags, ...) { MODE(flags) return opened("openat", AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return opened("openat64", AT_FDCWD, name, flags, mode); }
int openat(int place, const char *name, int flags, ...) { MODE(flags) return opened("openat", place, name, flags, mode); }
int openat64(int place, const char *name, int flags, ...) { MODE(flags) return opened("openat64", place, name, flags, mode); }

int rename(const char *from, const char *to) {
    REAL("rename", int, const char *, const char *);
    if (!inside(to)) return real(from, to);
    int error = strike(0);
    if (error) { errno = error; return -1; }
    int done = real(from, to);
    if (!done) note('R', 0, 0, from, to, (uint32_t)strlen(to));
    return done;
}

int renameat2(int from_place, const char *from, int to_place, const char *to, unsigned int flags) {
    REAL("renameat2", int, int, const char *, int, const char *, unsigned int);
    if (!inside(to)) return real(from_place, from, to_place, to, flags);
    int error = strike(0);
    if (error) { errno = error; return -1; }
    int done = real(from_place, from, to_place, to, flags);
    if (!done) note('X', 0, 0, from, to, (uint32_t)strlen(to));
    return done;
}

static int removed(int place, const char *name, int is_folder) {
    char path[4096];
    resolve(place, name, path);
    if (!inside(path)) return 0;
    int error = strike(0);
    if (error) { errno = error == ENOSPC ? EIO : error; return -1; }
    note(is_folder ? 'D' : 'U', 0, 0, path, "", 0);
    return 0;
}
int unlink(const char *name) { REAL("unlink", int, const char *); return removed(AT_FDCWD, name, 0) ? -1 : real(name); }
int rmdir(const char *name) { REAL("rmdir", int, const char *); return removed(AT_FDCWD, name, 1) ? -1 : real(name); }
int unlinkat(int place, const char *name, int flags) { REAL("unlinkat", int, int, const char *, int); return removed(place, name, flags & AT_REMOVEDIR) ? -1 : real(place, name, flags); }

int mkdir(const char *name, mode_t mode) {
    REAL("mkdir", int, const char *, mode_t);
    if (!inside(name)) return real(name, mode);
    int error = strike(0);
    if (error) { errno = error; return -1; }
    int done = real(name, mode);
    if (!done) note('F', 0, 0, name, "", 0);
    return done;
}
