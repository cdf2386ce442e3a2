"""What an account did is found without reading what all others did: each try of a password asks."""

from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    op.create_index('ix_activity_actor', 'activity', ['actor_id', 'action'])


def downgrade() -> None:
    op.drop_index('ix_activity_actor', 'activity')
