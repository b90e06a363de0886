#!/usr/bin/perl
# The app of the end-to-end tests: needs only what every Debian has, so a bake installs nothing.
# GET /healthz, GET /version, POST /entries/NAME (its own file on the data disk), GET /entries/NAME.
use strict;
use warnings;
use IO::Socket::INET;
use Sys::Hostname;

my $data    = '/var/lib/app';
my $version = do { open my $f, '<', '/opt/app/VERSION' or die $!; local $/; <$f> };
$version =~ s/\s+//g;
$SIG{TERM} = sub { exit 0 };
$SIG{PIPE} = 'IGNORE';

my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 128, ReuseAddr => 1)
    or die "cannot listen on 8080: $!";
while (1) {
    my $client = $server->accept or next;
    my $request = <$client> // next;
    my $length  = 0;
    while (defined(my $header = <$client>)) {
        last if $header =~ /^\r?\n$/;
        $length = $1 if $header =~ /^content-length:\s*(\d+)/i;
    }
    my $body = '';
    read $client, $body, $length if $length;
    my ($status, $answer) = answer($request, $body);
    print $client "HTTP/1.1 $status\r\nContent-Length: " . length($answer)
        . "\r\nX-Instance: " . hostname() . "\r\nConnection: close\r\n\r\n$answer";
    close $client;
}

sub answer {
    my ($request, $body) = @_;
    my ($method, $path) = split / /, $request;
    return healthz() if $path eq '/healthz';
    return ('200 OK', $version) if $path eq '/version';
    if ($path =~ m{^/entries/([\w-]+)$}) {
        my $file = "$data/$1";
        if ($method eq 'POST') {
            mkdir $data;
            open my $f, '>', $file or return ('500 Error', "$!");
            print $f $body;
            close $f or return ('500 Error', "$!");
            return ('201 Created', hostname());
        }
        open my $f, '<', $file or return ('404 Not Found', 'no such entry');
        local $/;
        return ('200 OK', scalar <$f>);
    }
    return ('404 Not Found', 'no such path');
}

# A version that cannot read what earlier ones wrote: healthy on an empty disk only.
sub healthz {
    return ('200 OK', 'ok') unless -e '/opt/app/BAD';
    my @entries = glob "$data/*-*";
    return @entries ? ('503 Unhealthy', 'cannot migrate') : ('200 OK', 'ok');
}
