/*
 * epoll-echo - the least that a server could do: it cuts frames, and answers each with fixed bytes of the size that a
 * real reply has. No tree, no session, no log. What it reaches under the load generator is the limit of this machine for
 * one thread in one epoll loop.
 *
 * Build:  cc -O2 -o epoll-echo epoll-echo.c
 * Run:    ./epoll-echo PORT [DATA_SIZE [KEYS]]
 *
 * DATA_SIZE is that of a znode's data, KEYS how many children a listing has; a path that ends with "/list" has 100 children
 * with names of 50 bytes, as in the load generator's mix.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CREATE = 1, DELETE = 2, EXISTS = 3, GET_DATA = 4, SET_DATA = 5, GET_CHILDREN = 8, PING = 11, CLOSE = -11 };
enum { STAT_SIZE = 68, HEADER_SIZE = 16, IN_SIZE = 1 << 18, FRAME_MAX = 1 << 20, SEQUENTIAL = 2 };

struct connection {
    int fd, has_session, waits;
    uint8_t *in; size_t in_size, in_length;
    uint8_t *out; size_t out_size, out_length, out_sent;
};

static int epoll, data_size = 100, keys = 1000;
static uint8_t *names, *list; static int names_length, list_length;
static uint64_t zxid;

static uint8_t *put32(uint8_t *p, int32_t v) { uint32_t b = htobe32((uint32_t)v); memcpy(p, &b, 4); return p + 4; }
static uint8_t *put64(uint8_t *p, int64_t v) { uint64_t b = htobe64((uint64_t)v); memcpy(p, &b, 8); return p + 8; }
static int32_t get32(const uint8_t *p) { uint32_t b; memcpy(&b, p, 4); return (int32_t)be32toh(b); }
static void fail(const char *what) { perror(what); exit(2); }

static uint8_t *room(struct connection *c, size_t more) {
    if (c->out_length + more > c->out_size) {
        c->out_size = 2 * (c->out_length + more);
        c->out = realloc(c->out, c->out_size);
        if (c->out == NULL) fail("realloc");
    }
    return c->out + c->out_length;
}

static uint8_t *stat(uint8_t *p) { memset(p, 0, STAT_SIZE); return p + STAT_SIZE; }

static void answer(struct connection *c, const uint8_t *frame, int length) {
    if (!c->has_session) {
        uint8_t *p = room(c, 41);
        p = put32(p, 37); p = put32(p, 0); p = put32(p, 30000); p = put64(p, 1); p = put32(p, 16);
        memset(p, 7, 17); p[16] = 0;
        c->out_length += 41; c->has_session = 1;
        return;
    }
    if (length < 8) { fprintf(stderr, "a request of %d bytes\n", length); exit(2); }
    int32_t xid = get32(frame), type = get32(frame + 4), path_length = length >= 12 ? get32(frame + 8) : 0;
    if (path_length < 0 || path_length > length - 12) path_length = 0;
    const uint8_t *path = frame + 12;
    uint8_t *start = room(c, 4 + HEADER_SIZE + STAT_SIZE + 32 + (size_t)path_length + (size_t)data_size + (size_t)names_length + (size_t)list_length);
    uint8_t *p = put32(start + 4, xid);
    p = put64(p, (int64_t)(type == SET_DATA || type == CREATE || type == DELETE ? ++zxid : zxid));
    p = put32(p, 0);
    switch (type) {
    case GET_DATA: p = put32(p, data_size); memset(p, 'x', data_size); p = stat(p + data_size); break;
    case EXISTS: case SET_DATA: p = stat(p); break;
    case GET_CHILDREN:
        if (path_length > 5 && memcmp(path + path_length - 5, "/list", 5) == 0) { memcpy(p, list, list_length); p += list_length; }
        else { memcpy(p, names, names_length); p += names_length; }
        break;
    case CREATE: {
        int sequential = get32(frame + length - 4) & SEQUENTIAL;
        p = put32(p, path_length + (sequential ? 10 : 0)); memcpy(p, path, path_length); p += path_length;
        if (sequential) { memcpy(p, "0000000001", 10); p += 10; }
        break;
    }
    default: break; /* DELETE, PING, CLOSE: the header alone */
    }
    put32(start, (int32_t)(p - start - 4));
    c->out_length += p - start;
}

static void watch(struct connection *c, int writes) {
    struct epoll_event event = {.events = writes ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event); c->waits = writes;
}
static void end(struct connection *c) { close(c->fd); free(c->in); free(c->out); free(c); }

/* Writes what there is; a connection that does not take all of it is not read until it has. */
static int flush(struct connection *c) {
    while (c->out_sent < c->out_length) {
        ssize_t n = write(c->fd, c->out + c->out_sent, c->out_length - c->out_sent);
        if (n < 0) { if (errno != EAGAIN) return -1; if (!c->waits) watch(c, 1); return 0; }
        c->out_sent += n;
    }
    c->out_sent = c->out_length = 0;
    if (c->waits) watch(c, 0);
    return 0;
}

static int receive(struct connection *c) {
    ssize_t n = read(c->fd, c->in + c->in_length, c->in_size - c->in_length);
    if (n == 0) return -1;
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    c->in_length += n;
    size_t at = 0;
    while (c->in_length - at >= 4) {
        int32_t length = get32(c->in + at);
        if (length < 0 || length > FRAME_MAX) return -1;
        if (c->in_length - at < (size_t)length + 4) {
            if ((size_t)length + 4 > c->in_size) { c->in_size = (size_t)length + 4; c->in = realloc(c->in, c->in_size); if (c->in == NULL) fail("realloc"); }
            break;
        }
        answer(c, c->in + at + 4, length); at += (size_t)length + 4;
    }
    memmove(c->in, c->in + at, c->in_length - at); c->in_length -= at;
    return flush(c);
}

/* A list of `count` names, made by `format` from a number, as getChildren has it. */
static uint8_t *encode_names(int count, const char *format, int *length) {
    uint8_t *bytes = malloc(4 + (size_t)count * 64), *p = put32(bytes, count); char name[64];
    for (int i = 0; i < count; i++) { int n = snprintf(name, sizeof name, format, i); p = put32(p, n); memcpy(p, name, n); p += n; }
    *length = (int)(p - bytes);
    return bytes;
}

int main(int argc, char **argv) {
    if (argc < 2) { fprintf(stderr, "usage: epoll-echo PORT [DATA_SIZE [KEYS]]\n"); return 2; }
    if (argc > 2) data_size = atoi(argv[2]);
    if (argc > 3) keys = atoi(argv[3]);
    signal(SIGPIPE, SIG_IGN);
    names = encode_names(keys, "k%d", &names_length); list = encode_names(100, "%050d", &list_length);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) fail("listen");
    epoll = epoll_create1(0);
    struct epoll_event first = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &first);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c != NULL) { if ((events[i].events & EPOLLOUT ? flush(c) : receive(c)) < 0) end(c); continue; }
            int fd = accept(listener, NULL, NULL);
            if (fd < 0) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); fcntl(fd, F_SETFL, O_NONBLOCK);
            c = calloc(1, sizeof *c); c->fd = fd; c->in_size = IN_SIZE; c->in = malloc(IN_SIZE);
            struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
