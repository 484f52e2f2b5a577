"""Reports of undeliverable mail, written by us in the shapes that mail servers give them. ``OUR_ID`` stands in each."""

OUR_ID = "<qwertz0123456789@portal.facility.example>"

POSTFIX = f"""\
Return-Path: <>
Date: Fri, 20 Nov 2026 18:21:02 +0000 (UTC)
From: MAILER-DAEMON@mail.facility.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: labcourier@facility.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9B1A.1763662862/mail.facility.example"
Message-Id: <20261120182102.9B1A@mail.facility.example>

This is a MIME-encapsulated message.

--9B1A.1763662862/mail.facility.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.facility.example.

<rita@university.example>: host mx.university.example said: 550 5.1.1 no such person

--9B1A.1763662862/mail.facility.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.facility.example
X-Postfix-Queue-ID: 9B1A
X-Postfix-Sender: rfc822; labcourier@facility.example
Arrival-Date: Fri, 20 Nov 2026 18:21:00 +0000 (UTC)

Final-Recipient: rfc822; rita@university.example
Original-Recipient: rfc822;rita@university.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.university.example
Diagnostic-Code: smtp; 550 5.1.1
    <rita@university.example>: no such person

--9B1A.1763662862/mail.facility.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

Return-Path: <labcourier@facility.example>
From: labcourier@facility.example
Subject: Your data from Krios 2
Message-ID: {OUR_ID}
To: rita@university.example
Content-Type: text/plain

Hello

--9B1A.1763662862/mail.facility.example--
"""

POSTFIX_LATE = (
    POSTFIX.replace("Undelivered Mail Returned to Sender", "Delayed Mail (still being retried)")
    .replace("Action: failed", "Action: delayed")
    .replace("Status: 5.1.1", "Status: 4.4.1")
    .replace("Diagnostic-Code: smtp; 550 5.1.1\n    <rita@university.example>: no such person", "")
    .replace("message/rfc822\n\nReturn-Path", "text/rfc822-headers\n\nReturn-Path")
)

POSTFIX_GIVEN_UP = POSTFIX.replace("Status: 5.1.1", "Status: 4.4.1").replace(
    "550 5.1.1\n    <rita@university.example>: no such person", "connect to mx.university.example: timed out"
)

POSTFIX_OTHER_ALPHABETS = (
    POSTFIX.replace("message/delivery-status", "message/global-delivery-status")
    .replace("message/rfc822", "message/global")
    .replace("rfc822; rita@university.example", "utf-8; ríta@university.example")
    .replace("rfc822;rita@university.example", "utf-8;ríta@university.example")
    .replace("<rita@university.example>: no such person", "no such person")
)

EXIM = f"""\
Return-path: <>
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example>
To: labcourier@facility.example
References: {OUR_ID}
Content-Type: multipart/report; report-type=delivery-status; boundary=1763662862-eximdsn-24
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1vM-0001@mx.example>

--1763662862-eximdsn-24
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1763662862-eximdsn-24
Content-type: message/delivery-status

Reporting-MTA: dns; mx.example

Action: failed
Final-Recipient: rfc822;rita@university.example
Status: 5.0.0
Remote-MTA: dns; mx.university.example
Diagnostic-Code: smtp; 552 mailbox is full

--1763662862-eximdsn-24
Content-type: message/rfc822

Return-path: <labcourier@facility.example>
From: labcourier@facility.example
Message-ID: {OUR_ID}

Hello
--1763662862-eximdsn-24--
"""

EXCHANGE = f"""\
From: postmaster@university.example
To: <labcourier@facility.example>
Date: Fri, 20 Nov 2026 18:21:02 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="b7f-outer"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-GB
Message-ID: <9c1-ndr@university.example>
In-Reply-To: {OUR_ID}
References: {OUR_ID}
Subject: Undeliverable: Your data from Krios 2
Auto-Submitted: auto-replied
MIME-Version: 1.0

--b7f-outer
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="b7f-inner"

--b7f-inner
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

rita@university.example couldn't be found at university.example.

--b7f-inner
Content-Type: text/html; charset="us-ascii"

<p>rita couldn't be found</p>

--b7f-inner--

--b7f-outer
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0.eurprd.prod.example
Received-From-MTA: dns;mail.facility.example
Arrival-Date: Fri, 20 Nov 2026 18:21:00 +0000

Final-Recipient: rfc822;rita@university.example
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient
 rita@university.example not found by SMTP address lookup
X-Display-Name: rita@university.example

--b7f-outer
Content-Type: message/rfc822

Received: from mail.facility.example by AM0.eurprd.prod.example; Fri, 20 Nov 2026 18:21:00 +0000
From: <labcourier@facility.example>
Message-ID:
\t{OUR_ID}
Subject: Your data from Krios 2

Hello

--b7f-outer--
"""

GMAIL = f"""\
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: labcourier@facility.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {OUR_ID}
In-Reply-To: {OUR_ID}
Message-ID: <6919.rep@mx.googlemail.example>
Date: Fri, 20 Nov 2026 10:21:03 -0800 (PST)
Content-Type: multipart/report; boundary="0000000000003a"; report-type=delivery-status

--0000000000003a
Content-Type: multipart/related; boundary="0000000000003b"

--0000000000003b
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--0000000000003b
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=

--0000000000003b--
--0000000000003a
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Arrival-Date: Fri, 20 Nov 2026 10:21:02 -0800 (PST)
X-Original-Message-ID: {OUR_ID}

Final-Recipient: rfc822; rita@university.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try
 550 5.1.1 double-checking the recipient's email address for typos.
Last-Attempt-Date: Fri, 20 Nov 2026 10:21:03 -0800 (PST)

--0000000000003a
Content-Type: message/rfc822

Message-ID: {OUR_ID}
From: labcourier@facility.example

--0000000000003a--
"""

NOTHING_RETURNED = GMAIL.partition("--0000000000003a\nContent-Type: message/rfc822")[0]

DELIVERED = POSTFIX.replace("Action: failed", "Action: relayed").replace("Status: 5.1.1", "Status: 2.0.0")

ABSENT = f"""\
From: rita@university.example
To: labcourier@facility.example
Subject: Out of office: Your data from Krios 2
Auto-Submitted: auto-replied
In-Reply-To: {OUR_ID}
Content-Type: text/plain

I am at the beamline until Monday. Action: failed
"""
