"""What the tests share: a judge of replies, thin clients, a receiver of callbacks."""
